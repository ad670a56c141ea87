// The errors of the core.

import * as assert from 'node:assert/strict';

/**
 * Asserts that a call throws an error of the core.
 *
 * @param code its code, with which its message begins
 * @param text matches the rest of the message
 */
export function assertRefused(call, code, text) {
  assert.throws(call, (error) => {
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.startsWith(`${code}: `), error.message);
    assert.match(error.message.slice(`${code}: `.length), text);
    return true;
  });
}
