// The memory of a process, for programs that measure themselves.

const fs = require('node:fs');

/**
 * The peak of this process's memory in bytes. On Linux from the kernel's count for this program: that of `resourceUsage` begins with
 * the memory of the process that started this one.
 */
exports.peakMemory = function peakMemory() {
  const status = '/proc/self/status';
  const [, kibibytes] = fs.existsSync(status) ? fs.readFileSync(status, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m) : [];
  return (kibibytes === undefined ? process.resourceUsage().maxRSS : Number(kibibytes)) * 1024;
};
