// The `python.exe` of the tests under Wine. No CPython for Windows is at hand, so it passes everything on to a CPython of Linux, which
// `relay.py` starts: first its folder, its path, its arguments and its environment, then standard input; and it prints what
// comes back.
//
// Sent first: the number of texts, then the texts: the current folder, the path of this program, the arguments, an empty text, the
// variables. Then pieces of standard input, and an empty piece at its end. Before each text and each piece is its length. Received:
// a byte, a number, and as many bytes. The byte says what they are: 1, standard output; 2, standard error. After the byte 0, the number
// is the exit code. Numbers have 4 bytes, little-endian.

#include <winsock2.h>
#include <windows.h>
#include <shellapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT_FILE "C:\\python\\port"

static SOCKET relay;

static void fail(const char *what) {
    fprintf(stderr, "python.exe, a relay: %s\n", what);
    exit(103);
}

static void send_all(const void *bytes, uint32_t size) {
    for (const char *next = bytes; size > 0;) {
        int sent = send(relay, next, size, 0);
        if (sent <= 0) {
            fail("cannot send");
        }
        next += sent;
        size -= sent;
    }
}

static void send_piece(const void *bytes, uint32_t size) {
    send_all(&size, sizeof size);
    send_all(bytes, size);
}

static void send_text(const wchar_t *text) {
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *bytes = malloc(size);
    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, size, NULL, NULL);
    send_piece(bytes, size - 1);
    free(bytes);
}

static void receive_all(void *bytes, uint32_t size) {
    for (char *next = bytes; size > 0;) {
        int received = recv(relay, next, size, 0);
        if (received <= 0) {
            fail("cannot receive");
        }
        next += received;
        size -= received;
    }
}

static DWORD WINAPI carry_input(void *unused) {
    static char piece[1 << 16];
    DWORD size;
    while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), piece, sizeof piece, &size, NULL) && size > 0) {
        send_piece(piece, size);
    }
    send_piece(piece, 0);
    return 0;
}

int main(void) {
    static wchar_t file[1 << 15], folder[1 << 15];
    GetModuleFileNameW(NULL, file, sizeof file / sizeof *file);
    GetCurrentDirectoryW(sizeof folder / sizeof *folder, folder);

    FILE *stream = fopen(PORT_FILE, "r");
    int port;
    if (stream == NULL || fscanf(stream, "%d", &port) != 1) {
        fail("no file " PORT_FILE);
    }
    fclose(stream);

    WSADATA ignored;
    WSAStartup(MAKEWORD(2, 2), &ignored);
    relay = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(relay, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("nobody listens at its port");
    }

    int count;
    wchar_t **arguments = CommandLineToArgvW(GetCommandLineW(), &count);
    wchar_t *environment = GetEnvironmentStringsW();
    uint32_t texts = 2 + count;
    for (wchar_t *entry = environment; *entry; entry += wcslen(entry) + 1) {
        texts++;
    }
    send_all(&texts, sizeof texts);
    send_text(folder);
    send_text(file);
    for (int i = 1; i < count; i++) {
        send_text(arguments[i]);
    }
    send_text(L"");
    for (wchar_t *entry = environment; *entry; entry += wcslen(entry) + 1) {
        send_text(entry);
    }

    CreateThread(NULL, 0, carry_input, NULL, 0, NULL);
    for (;;) {
        static char piece[1 << 16];
        uint32_t size;
        unsigned char kind;
        receive_all(&kind, 1);
        receive_all(&size, sizeof size);
        if (kind == 0) {
            ExitProcess(size);
        }
        if (size > sizeof piece) {
            fail("a piece is too long");
        }
        receive_all(piece, size);
        HANDLE output = GetStdHandle(kind == 1 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);
        for (DWORD done = 0, written; done < size; done += written) {
            if (!WriteFile(output, piece + done, size - done, &written, NULL)) {
                ExitProcess(104);
            }
        }
    }
}
