/* cast/format/credentials.h: names and passwords of sources and administrators.
 *
 * Passwords are compared in a time that depends on neither of them. An address that has failed often has to
 * wait, so that passwords cannot be tried at speed.
 */
#ifndef CAST_FORMAT_CREDENTIALS_H
#define CAST_FORMAT_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAST_CREDENTIAL_BYTES_MOST = 256 }; /* with the end */

struct cast_credentials {
    char user[CAST_CREDENTIAL_BYTES_MOST];
    char password[CAST_CREDENTIAL_BYTES_MOST];
};

/* Reads the value of an Authorization header of the scheme Basic (RFC 7617). False if it is of another
 * scheme, malformed, too long, or holds a NUL byte. Any thread. */
bool cast_credentials_decode(const char *value, struct cast_credentials *credentials);

/* Whether two strings are equal. The time depends on the length of `given` only. Any thread. */
bool cast_password_equal(const char *wanted, const char *given);

/* Failed attempts by address. An address is 16 bytes (IPv4 as ::ffff:a.b.c.d); of IPv6, the first 8 count,
 * since whoever has one address has all of a /64. One thread at a time. */
enum {
    CAST_ATTEMPT_ROWS = 1024, /* addresses that are remembered; the one that failed longest ago goes first */
    CAST_ATTEMPTS_FREE = 8,   /* failures before an address has to wait */
    CAST_ATTEMPT_WAIT_S = 60, /* since its last failure */
};

struct cast_attempt {
    uint8_t address[16];
    uint32_t failures, last_s;
};

struct cast_attempts {
    struct cast_attempt rows[CAST_ATTEMPT_ROWS];
};

/* Seconds that the address has to wait before it may try again; 0 if it may. `now_s` counts from any start.
 * An address that has waited is forgiven. */
uint32_t cast_attempts_wait_s(const struct cast_attempts *attempts, const uint8_t address[16],
                              uint32_t now_s);

/* Notes an attempt. One that succeeded clears the address. */
void cast_attempts_note(struct cast_attempts *attempts, const uint8_t address[16], uint32_t now_s,
                        bool succeeded);

#endif
