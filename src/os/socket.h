/* os/socket.h: sending to sockets without waiting. Any thread. */
#ifndef NEAP_OS_SOCKET_H
#define NEAP_OS_SOCKET_H

#include <stddef.h>

#include <neap/error.h>

struct neap_span; /* neap/stream.h: laid out as struct iovec */

/* Sends what fits of `count` spans, no signal raised, whatever the socket's mode. Returns 0 with
 * the bytes that went, NEAP_ERROR_BUSY if it takes none now, NEAP_ERROR_SYSTEM with errno. */
int neap_os_socket_send(int socket, const struct neap_span *spans, unsigned count, size_t *sent);

#endif
