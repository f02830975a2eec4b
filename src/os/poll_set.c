/* os/poll_set.c: epoll. */
#include "os/poll_set.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

enum { EVENTS_AT_ONCE = 256 };

int neap_os_poll_set_open(int *set) {
    int made = epoll_create1(EPOLL_CLOEXEC);
    if (made < 0)
        return NEAP_ERROR_SYSTEM;
    *set = made;
    return NEAP_OK;
}

static struct epoll_event event_of(uint64_t tag, enum neap_os_poll_interest interest) {
    static const uint32_t events[] = {[NEAP_OS_POLL_ENDED] = 0,
                                      [NEAP_OS_POLL_READABLE] = EPOLLIN,
                                      [NEAP_OS_POLL_WRITABLE] = EPOLLOUT,
                                      [NEAP_OS_POLL_WRITABLE_AGAIN] = EPOLLOUT | EPOLLET};
    /* EPOLLERR and EPOLLHUP are always told. EPOLLRDHUP is not asked for: whoever says that nothing more
     * comes from him may still listen. */
    return (struct epoll_event){.events = events[interest], .data.u64 = tag};
}

int neap_os_poll_set_add(int set, int socket, uint64_t tag, enum neap_os_poll_interest interest) {
    struct epoll_event event = event_of(tag, interest);
    return epoll_ctl(set, EPOLL_CTL_ADD, socket, &event) == 0 ? NEAP_OK : NEAP_ERROR_SYSTEM;
}

void neap_os_poll_set_change(int set, int socket, uint64_t tag, enum neap_os_poll_interest interest) {
    struct epoll_event event = event_of(tag, interest);
    epoll_ctl(set, EPOLL_CTL_MOD, socket, &event);
}

void neap_os_poll_set_remove(int set, int socket) {
    epoll_ctl(set, EPOLL_CTL_DEL, socket, NULL);
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
