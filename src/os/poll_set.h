/* os/poll_set.h: notices what happens to many sockets at once (epoll).
 *
 * A set is a descriptor itself, which is readable while there is something to tell. To close a socket takes
 * it out of the set. That a connection ended is always told. One thread at a time for one set.
 */
#ifndef NEAP_OS_POLL_SET_H
#define NEAP_OS_POLL_SET_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/error.h>

/* What is to be told of a socket. */
enum neap_os_poll_interest {
    NEAP_OS_POLL_ENDED,         /* nothing else */
    NEAP_OS_POLL_READABLE,      /* there are bytes to receive, or their end; as long as that is so */
    NEAP_OS_POLL_WRITABLE,      /* it takes bytes; as long as that is so */
    NEAP_OS_POLL_WRITABLE_AGAIN /* once, each time that it takes bytes after it took none */
};

struct neap_os_poll_event {
    uint64_t tag;
    bool readable, writable, ended;
};

/* Makes a set; the caller closes the descriptor. NEAP_ERROR_SYSTEM with errno. */
int neap_os_poll_set_open(int *set);

/* Adds a socket; `tag` comes with its events. NEAP_ERROR_SYSTEM with errno. */
int neap_os_poll_set_add(int set, int socket, uint64_t tag, enum neap_os_poll_interest interest);

/* Changes what is told of a socket of the set. */
void neap_os_poll_set_change(int set, int socket, uint64_t tag, enum neap_os_poll_interest interest);

/* Takes a socket out that stays open. */
void neap_os_poll_set_remove(int set, int socket);

/* Stores up to `room` events that are there now, and returns how many; at most one of a socket. Never waits.
 */
unsigned neap_os_poll_set_take(int set, struct neap_os_poll_event *events, unsigned room);

#endif
