/* os/poll_set.h: notices what happens to many sockets at once (epoll).
 *
 * A set tells each change once: that a socket which was full takes bytes again, or that its connection ended.
 * To close a socket takes it out of the set. A set is a descriptor itself, which becomes readable when there
 * is something to tell. One thread at a time for one set.
 */
#ifndef NEAP_OS_POLL_SET_H
#define NEAP_OS_POLL_SET_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/error.h>

struct neap_os_poll_event {
    uint64_t tag;
    bool writable, ended;
};

/* Makes a set; the caller closes the descriptor. NEAP_ERROR_SYSTEM with errno. */
int neap_os_poll_set_open(int *set);

/* Adds a socket; `tag` comes with its events. NEAP_ERROR_SYSTEM with errno. */
int neap_os_poll_set_add(int set, int socket, uint64_t tag);

/* Stores up to `room` events that are there now, and returns how many. Never waits. */
unsigned neap_os_poll_set_take(int set, struct neap_os_poll_event *events, unsigned room);

#endif
