/* os/socket.c: sendmsg. */
#include "os/socket.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <neap/stream.h>

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
