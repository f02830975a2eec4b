/* os/socket.h: sends to sockets without waiting. Any thread. */
#ifndef NEAP_OS_SOCKET_H
#define NEAP_OS_SOCKET_H

#include <stddef.h>

#include <neap/error.h>

struct neap_span; /* neap/stream.h: laid out as struct iovec */

/* Sends as much of `count` spans as fits, without waiting and without SIGPIPE, whatever the mode of the
 * socket. Returns 0 and the bytes that were sent; NEAP_ERROR_BUSY if the socket takes none now;
 * NEAP_ERROR_SYSTEM with errno. */
int neap_os_socket_send(int socket, const struct neap_span *spans, unsigned count, size_t *sent);

#endif
