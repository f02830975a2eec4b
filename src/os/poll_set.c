/* os/poll_set.c: epoll, edge-triggered. */
#include "os/poll_set.h"

#include <errno.h>
#include <sys/epoll.h>

enum { EVENTS_AT_ONCE = 256 };

int neap_os_poll_set_open(int *set) {
    int made = epoll_create1(EPOLL_CLOEXEC);
    if (made < 0)
        return NEAP_ERROR_SYSTEM;
    *set = made;
    return NEAP_OK;
}

int neap_os_poll_set_add(int set, int socket, uint64_t tag) {
    /* EPOLLERR and EPOLLHUP are always told. EPOLLRDHUP is not asked for: whoever says that nothing more
     * comes from him may still listen. */
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET, .data.u64 = tag};
    return epoll_ctl(set, EPOLL_CTL_ADD, socket, &event) == 0 ? NEAP_OK : NEAP_ERROR_SYSTEM;
}

unsigned neap_os_poll_set_take(int set, struct neap_os_poll_event *events, unsigned room) {
    struct epoll_event told[EVENTS_AT_ONCE];
    int most = room < EVENTS_AT_ONCE ? (int)room : EVENTS_AT_ONCE, count;
    do
        count = epoll_wait(set, told, most, 0);
    while (count < 0 && errno == EINTR);
    for (int i = 0; i < count; i++) {
        uint32_t what = told[i].events;
        events[i] = (struct neap_os_poll_event){
            .tag = told[i].data.u64, .writable = what & EPOLLOUT, .ended = what & (EPOLLERR | EPOLLHUP)};
    }
    return count < 0 ? 0 : (unsigned)count;
}
