/* os/address.h: addresses of the Internet, of both versions, as 16 bytes and a port.
 *
 *     127.0.0.1:8000   0 0 0 0 0 0 0 0 0 0 ff ff 127 0 0 1, 8000
 *     [::1]:8000       0 … 0 1, 8000
 *
 * Names are not looked up. Any thread.
 */
#ifndef NEAP_OS_ADDRESS_H
#define NEAP_OS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct neap_os_address {
    uint8_t bytes[16]; /* in the order of the network; IPv4 as ::ffff:a.b.c.d */
    uint16_t port;     /* in the order of this machine */
};

enum { NEAP_OS_ADDRESS_ROOM = 56 }; /* of a text with its end */

/* Reads "1.2.3.4", "1.2.3.4:80", "::1" or "[::1]:80"; the port is 0 if there is none. False if it is none of
 * them. */
bool neap_os_address_read(const char *text, struct neap_os_address *address);

/* Writes the address without or with its port. Returns `out`. */
char *neap_os_address_write(const struct neap_os_address *address, char out[NEAP_OS_ADDRESS_ROOM]);
char *neap_os_address_write_port(const struct neap_os_address *address, char out[NEAP_OS_ADDRESS_ROOM]);

bool neap_os_address_is_v4(const struct neap_os_address *address);

#endif
