/* os/socket.c: the calls of sockets, each without waiting. */
#include "os/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <neap/stream.h>

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn */

_Static_assert(sizeof(struct neap_span) == sizeof(struct iovec) &&
                   offsetof(struct neap_span, data) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct neap_span, bytes) == offsetof(struct iovec, iov_len),
               "a span is laid out as an iovec");

int neap_os_socket_send(int socket, const struct neap_span *spans, unsigned count, size_t *sent) {
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)spans, .msg_iovlen = count};
    ssize_t went;
    do
        went = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (went < 0 && errno == EINTR);
    if (went < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? NEAP_ERROR_BUSY : NEAP_ERROR_SYSTEM;
    *sent = (size_t)went;
    return NEAP_OK;
}

int neap_os_socket_receive(int socket, void *buffer, size_t bytes, size_t *got) {
    ssize_t came;
    do
        came = recv(socket, buffer, bytes, MSG_DONTWAIT);
    while (came < 0 && errno == EINTR);
    if (came < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? NEAP_ERROR_BUSY : NEAP_ERROR_SYSTEM;
    *got = (size_t)came;
    return NEAP_OK;
}

/* --- addresses as the kernel has them ----------------------------------------- */

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t address_lay(const struct neap_os_address *address, union socket_address *out) {
    memset(out, 0, sizeof(*out));
    if (neap_os_address_is_v4(address)) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(address->port);
        memcpy(&out->v4.sin_addr, address->bytes + 12, 4);
        return sizeof(out->v4);
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(address->port);
    memcpy(&out->v6.sin6_addr, address->bytes, 16);
    return sizeof(out->v6);
}

static void address_take(const union socket_address *from, struct neap_os_address *address) {
    *address = (struct neap_os_address){.port = 0};
    if (from->any.sa_family == AF_INET) {
        address->bytes[10] = address->bytes[11] = 0xff;
        memcpy(address->bytes + 12, &from->v4.sin_addr, 4);
        address->port = ntohs(from->v4.sin_port);
    } else if (from->any.sa_family == AF_INET6) {
        memcpy(address->bytes, &from->v6.sin6_addr, 16);
        address->port = ntohs(from->v6.sin6_port);
    }
}

/* --- making -------------------------------------------------------------------- */

/* Closes a socket without changing errno. */
static int give_up(int socket, int error) {
    int kept = errno;
    close(socket);
    errno = kept;
    return error;
}

int neap_os_socket_listen(const struct neap_os_address *address, unsigned send_bytes, int *made) {
    union socket_address at;
    socklen_t bytes = address_lay(address, &at);
    const int yes = 1;
    int listener = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        return NEAP_ERROR_SYSTEM;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
    if (at.any.sa_family == AF_INET6)
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    if (send_bytes > 0) {
        const unsigned waiting = send_bytes / 8;
        setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
        setsockopt(listener, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &waiting, sizeof(waiting));
    }
    if (bind(listener, &at.any, bytes) != 0 || listen(listener, BACKLOG) != 0)
        return give_up(listener, errno == EADDRINUSE ? NEAP_ERROR_BUSY
                                 : errno == EACCES   ? NEAP_ERROR_PERMISSION
                                                     : NEAP_ERROR_SYSTEM);
    *made = listener;
    return NEAP_OK;
}

bool neap_os_socket_address_is_taken(const struct neap_os_address *address) {
    union socket_address at;
    socklen_t bytes = address_lay(address, &at);
    const int yes = 1;
    int probe = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return false;
    /* Connections that ended a moment ago are no reason; sockets that share the address are one, for a socket
     * that does not share. */
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (at.any.sa_family == AF_INET6)
        setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    bool taken = bind(probe, &at.any, bytes) != 0 && errno == EADDRINUSE;
    close(probe);
    return taken;
}

int neap_os_socket_own_address(int socket, struct neap_os_address *address) {
    union socket_address at;
    socklen_t bytes = sizeof(at);
    memset(&at, 0, sizeof(at));
    if (getsockname(socket, &at.any, &bytes) != 0)
        return NEAP_ERROR_SYSTEM;
    address_take(&at, address);
    return NEAP_OK;
}

int neap_os_socket_accept(int listener, int *accepted, struct neap_os_address *peer) {
    union socket_address from;
    socklen_t bytes = sizeof(from);
    memset(&from, 0, sizeof(from));
    const int yes = 1;
    int made = accept4(listener, &from.any, &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (made < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        return NEAP_ERROR_MEMORY;
    /* Linux passes on errors of the connection that waits; they are that connection's and not the listener's.
     */
    if (made < 0)
        return errno == EINVAL || errno == EBADF || errno == ENOTSOCK ? NEAP_ERROR_SYSTEM : NEAP_ERROR_BUSY;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    address_take(&from, peer);
    *accepted = made;
    return NEAP_OK;
}

int neap_os_socket_connect(const struct neap_os_address *address, int *made) {
    union socket_address to;
    socklen_t bytes = address_lay(address, &to);
    int connecting = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connecting < 0)
        return NEAP_ERROR_SYSTEM;
    if (connect(connecting, &to.any, bytes) != 0 && errno != EINPROGRESS)
        return give_up(connecting, NEAP_ERROR_SYSTEM);
    *made = connecting;
    return NEAP_OK;
}

int neap_os_socket_error(int socket) {
    int error = 0;
    socklen_t bytes = sizeof(error);
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

void neap_os_socket_finish(int socket) {
    shutdown(socket, SHUT_WR);
}
