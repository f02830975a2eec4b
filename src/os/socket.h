/* os/socket.h: TCP sockets that never wait. Any thread.
 *
 * All sockets made here are closed on exec. The caller owns them and closes them with
 * neap_os_descriptor_close.
 */
#ifndef NEAP_OS_SOCKET_H
#define NEAP_OS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "os/address.h"

struct neap_span; /* neap/stream.h: laid out as struct iovec */

/* Sends as much of `count` spans as fits, without waiting and without SIGPIPE, whatever the mode of the
 * socket. Returns 0 and the bytes that were sent; NEAP_ERROR_BUSY if the socket takes none now;
 * NEAP_ERROR_SYSTEM with errno. */
int neap_os_socket_send(int socket, const struct neap_span *spans, unsigned count, size_t *sent);

/* Receives up to `bytes`. Returns 0 with *got > 0; 0 with *got == 0 at the end of what the peer sends;
 * NEAP_ERROR_BUSY if there is nothing now; NEAP_ERROR_SYSTEM with errno. */
int neap_os_socket_receive(int socket, void *buffer, size_t bytes, size_t *got);

/* Listens at an address (port 0: any free one). Several sockets may listen at one: the kernel shares the
 * connections out among them. Accepted connections inherit a send buffer of `send_bytes`, an eighth of it for
 * bytes that wait to go out, which bounds what the kernel holds for a peer that takes nothing; 0: as the
 * system has it. NEAP_ERROR_BUSY: the address is in use by another program. NEAP_ERROR_PERMISSION.
 * NEAP_ERROR_SYSTEM with errno. */
int neap_os_socket_listen(const struct neap_os_address *address, unsigned send_bytes, int *made);

/* Whether another program listens at an address already. neap_os_socket_listen alone would not tell: one of
 * the same user would share the connections with it. */
bool neap_os_socket_address_is_taken(const struct neap_os_address *address);

/* The address that a socket is bound to. False if it cannot be told. */
int neap_os_socket_own_address(int socket, struct neap_os_address *address);

/* Accepts a connection; it sends small pieces at once (TCP_NODELAY). NEAP_ERROR_BUSY: there is none now.
 * NEAP_ERROR_MEMORY: no descriptor or no memory is left. NEAP_ERROR_SYSTEM with errno. */
int neap_os_socket_accept(int listener, int *accepted, struct neap_os_address *peer);

/* Begins to connect; the socket is writable when that is done, and neap_os_socket_error then tells how it
 * went. NEAP_ERROR_SYSTEM with errno. */
int neap_os_socket_connect(const struct neap_os_address *address, int *made);

/* The error that has happened to a socket, as errno; 0 if there is none. Reading it clears it. */
int neap_os_socket_error(int socket);

/* Says that nothing more is sent. What is in the send buffer still goes out. */
void neap_os_socket_finish(int socket);

#endif
