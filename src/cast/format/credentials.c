/* cast/format/credentials.c: Basic authentication, and addresses that failed at it. */
#include "cast/format/credentials.h"

#include <string.h>
#include <strings.h>

/* --- the header -------------------------------------------------------------- */

static int digit_of(char byte) {
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Decodes base64 (RFC 4648, section 4), with or without its padding. Returns the bytes, or -1. */
static int base64_decode(const char *text, char *out, size_t room) {
    size_t bytes = 0, digits = 0;
    unsigned bits = 0;
    for (; *text && *text != '='; text++, digits++) {
        int digit = digit_of(*text);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (unsigned)digit;
        if (digits % 4 == 0)
            continue;
        if (bytes == room)
            return -1;
        out[bytes++] = (char)(bits >> (2 * (3 - digits % 4)) & 0xff);
    }
    size_t padding = strspn(text, "=");
    if (digits % 4 == 1 || text[padding] != '\0' ||
        (padding > 0 && (padding > 2 || (digits + padding) % 4 != 0)))
        return -1;
    return (int)bytes;
}

bool cast_credentials_decode(const char *value, struct cast_credentials *credentials) {
    char text[2 * CAST_CREDENTIAL_BYTES_MOST];
    if (strncasecmp(value, "Basic ", 6) != 0)
        return false;
    int bytes = base64_decode(value + 6 + strspn(value + 6, " "), text, sizeof(text) - 1);
    if (bytes < 0)
        return false;
    text[bytes] = '\0';
    for (int i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127) /* RFC 7617, section 2 */
            return false;
    const char *colon = strchr(text, ':');
    if (!colon || colon - text >= CAST_CREDENTIAL_BYTES_MOST ||
        strlen(colon + 1) >= CAST_CREDENTIAL_BYTES_MOST)
        return false;
    *credentials = (struct cast_credentials){.user = ""};
    memcpy(credentials->user, text, (size_t)(colon - text));
    strcpy(credentials->password, colon + 1);
    return true;
}

bool cast_password_equal(const char *wanted, const char *given) {
    /* volatile: what the compiler does not know it cannot leave early. Where `wanted` ends, its end is
     * compared again and again, so that its length does not show either. */
    volatile unsigned char difference = 0;
    for (; *given; given++) {
        difference = (unsigned char)(difference | (*wanted ^ *given));
        wanted += *wanted != '\0';
    }
    return (difference | *wanted) == 0;
}

/* --- attempts ---------------------------------------------------------------- */

static void key_make(const uint8_t address[16], uint8_t key[16]) {
    static const uint8_t ipv4[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(key, address, 16);
    if (memcmp(address, ipv4, sizeof(ipv4)) != 0)
        memset(key + 8, 0, 8);
}

/* Returns the row of a key, or rows[CAST_ATTEMPT_ROWS] if there is none. Rows without failures are free. */
static size_t row_find(const struct cast_attempts *attempts, const uint8_t key[16]) {
    size_t row = 0;
    while (row < CAST_ATTEMPT_ROWS &&
           (attempts->rows[row].failures == 0 || memcmp(attempts->rows[row].address, key, 16) != 0))
        row++;
    return row;
}

/* A free row, else that of the oldest failure. Differences of unsigned times stay right when they wrap. */
static size_t row_take(const struct cast_attempts *attempts, uint32_t now_s) {
    size_t oldest = 0;
    for (size_t row = 0; row < CAST_ATTEMPT_ROWS; row++) {
        if (attempts->rows[row].failures == 0)
            return row;
        if (now_s - attempts->rows[row].last_s > now_s - attempts->rows[oldest].last_s)
            oldest = row;
    }
    return oldest;
}

uint32_t cast_attempts_wait_s(const struct cast_attempts *attempts, const uint8_t address[16],
                              uint32_t now_s) {
    uint8_t key[16];
    key_make(address, key);
    size_t row = row_find(attempts, key);
    if (row == CAST_ATTEMPT_ROWS || attempts->rows[row].failures < CAST_ATTEMPTS_FREE)
        return 0;
    uint32_t waited_s = now_s - attempts->rows[row].last_s;
    return waited_s >= CAST_ATTEMPT_WAIT_S ? 0 : CAST_ATTEMPT_WAIT_S - waited_s;
}

void cast_attempts_note(struct cast_attempts *attempts, const uint8_t address[16], uint32_t now_s,
                        bool succeeded) {
    uint8_t key[16];
    key_make(address, key);
    size_t row = row_find(attempts, key);
    bool known = row < CAST_ATTEMPT_ROWS;
    if (succeeded) {
        if (known)
            attempts->rows[row].failures = 0;
        return;
    }
    if (!known)
        row = row_take(attempts, now_s);
    struct cast_attempt *attempt = &attempts->rows[row];
    if (!known || now_s - attempt->last_s >= CAST_ATTEMPT_WAIT_S)
        attempt->failures = 0;
    memcpy(attempt->address, key, sizeof(key));
    attempt->failures += attempt->failures < UINT32_MAX;
    attempt->last_s = now_s;
}
