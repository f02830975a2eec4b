/* bench/cast/crowd.h: the listeners of one thread; they come, verify what they hear, and leave.
 *
 *     ABSENT ──► CONNECTING ──► WAITING ──► STREAMING   hears audio
 *       ▲                          │    `─► STALLED     has read the head, and reads nothing more
 *       `──────── refused, failed, disconnected, left
 *
 * Listeners that are not sampled for verification drain their sockets without copying, but see their first
 * record, and all of the last seconds: what is lost in between shows as skipped.
 *
 * A crowd has a thread of its own. For listeners.c alone, which has the command line and the report.
 */
#ifndef BENCH_CAST_CROWD_H
#define BENCH_CAST_CROWD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "record_check.h"

enum {
    HEAD_MOST = 8192,          /* bytes of an answer's head */
    BUFFER_BYTES = 256 * 1024, /* what one recv takes at most */
    EVENTS = 512,              /* that one epoll_wait tells at most */
    OPEN_AT_ONCE = 64,         /* connects before events are looked at again */
    STATUS_MOST = 600,
    ERRNO_MOST = 256,
};

#define MS_NS        INT64_C(1000000)
#define S_NS         INT64_C(1000000000)
#define LAST_LOOK_NS (5 * S_NS / 2) /* before the end, all are verified; servers may send once a second */

static struct {
    long count, rate, seconds, stalled, addresses, verify, churn, connects, rest_at, rest, pending, threads,
        pace, behind;
    long icy, once, tell, http11;
} options = {.count = 1, .seconds = 10, .verify = 1, .threads = 1, .pace = 10, .behind = 65536};

typedef enum { ABSENT, CONNECTING, WAITING, STREAMING, STALLED } phase;

typedef struct {
    int fd; /* -1 while ABSENT */
    phase phase;
    uint32_t interval, audio_left, block_left; /* of ICY metadata; interval 0: there is none */
    uint32_t head_bytes;
    char *head; /* the beginning of an answer that has not come whole yet, else NULL */
    int64_t connect_ns, read_ns, gap_ns;
    bool settled; /* counted among those that are streaming or were refused */
    record_check_t check;
} listener_t;

/* The listeners of one thread, and what became of those that have left. */
typedef struct {
    int arriving, streaming; /* an epoll each: of those before their first audio byte, and after */
    pthread_t thread;
    listener_t *listeners;
    long first, count; /* of all listeners, the numbers first … first + count - 1 */
    long opened, settled, connects_most, turn, churned;
    long pending;                                    /* that have not heard a byte yet, and may */
    int64_t look_ns;                                 /* when those that are streaming are looked at next */
    int64_t began_ns, settled_ns, end_ns, rested_ns; /* rested_ns: until when; 0 before */
    uint8_t *buffer;
    uint32_t *first_byte_us;
    size_t first_bytes, first_bytes_room;
    uint64_t connected, disconnected, left, bytes, titles, verified, corrupt, skipped, skips, chunked;
    uint64_t refused[STATUS_MOST], failed[ERRNO_MOST];
    int64_t gap_ns; /* the largest of those that have left */
} crowd_t;

static struct sockaddr_in server;
static char request[1024];
static volatile sig_atomic_t stopping;
static atomic_long all_settled, all_connects;

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * S_NS + now.tv_nsec;
}

__attribute__((noreturn)) static void fail(const char *what, const char *on) {
    fprintf(stderr, "listeners: %s: %s\n", what, on);
    exit(2);
}

static void *zeroed(size_t count, size_t bytes) {
    void *memory = calloc(count, bytes);
    if (!memory)
        fail("no memory", "fewer listeners need less");
    return memory;
}

static void on_signal(int number) {
    (void)number;
    stopping++;
}

static void tell(const char *text) {
    if (options.tell)
        fprintf(stderr, "%s\n", text);
}

/* ---- coming and going ---------------------------------------------------------- */

static bool is_pending(const listener_t *listener) {
    return listener->phase == CONNECTING || listener->phase == WAITING ||
           (listener->phase == STREAMING && !listener->read_ns);
}

/* Once for each of the first listeners: it is streaming, or never will. */
static void settle(crowd_t *crowd, listener_t *listener) {
    if (listener->settled)
        return;
    listener->settled = true;
    if (++crowd->settled == crowd->count)
        crowd->settled_ns = now_ns();
    if (atomic_fetch_add(&all_settled, 1) + 1 == options.count)
        tell("streaming");
}

/* Adds up what a listener heard, and closes it. Its gap lasts until now. */
static void leave(crowd_t *crowd, listener_t *listener) {
    const record_check_t *check = &listener->check;
    bool settled = listener->settled;
    int64_t gap_ns = now_ns() - listener->read_ns;
    if (listener->phase == STREAMING && listener->read_ns && gap_ns > listener->gap_ns)
        listener->gap_ns = gap_ns;
    if (listener->gap_ns > crowd->gap_ns)
        crowd->gap_ns = listener->gap_ns;
    crowd->verified += check->verified, crowd->corrupt += check->corrupt;
    crowd->skipped += check->skipped, crowd->skips += check->skips;
    crowd->pending -= is_pending(listener);
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener->head);
    memset(listener, 0, sizeof(*listener)); /* what has been added up must not be added again */
    listener->fd = -1;
    listener->phase = ABSENT;
    listener->settled = settled;
}

static void fail_listener(crowd_t *crowd, listener_t *listener, int error) {
    crowd->failed[error > 0 && error < ERRNO_MOST ? error : 0]++;
    leave(crowd, listener);
    settle(crowd, listener);
}

/* A source address for each listener in turn: 28,000 ports are all that one address has. */
static bool bind_address(int fd, long number) {
    int one = 1;
    struct sockaddr_in own = {.sin_family = AF_INET};
    if (options.addresses == 0)
        return true;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(number % options.addresses));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    return bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0;
}

static void open_listener(crowd_t *crowd, listener_t *listener) {
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = listener};
    bool settled = listener->settled;
    memset(listener, 0, sizeof(*listener));
    listener->settled = settled;
    listener->connect_ns = now_ns();
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (atomic_fetch_add(&all_connects, 1) + 1 == options.connects)
        tell("connected");
    if (listener->fd < 0 || !bind_address(listener->fd, atomic_load(&all_connects)) ||
        (connect(listener->fd, (struct sockaddr *)&server, sizeof(server)) && errno != EINPROGRESS) ||
        epoll_ctl(crowd->arriving, EPOLL_CTL_ADD, listener->fd, &event)) {
        fail_listener(crowd, listener, errno);
        return;
    }
    listener->phase = CONNECTING;
    crowd->pending++;
}

static void on_connected(crowd_t *crowd, listener_t *listener) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
    int error = 0;
    socklen_t bytes = sizeof(error);
    getsockopt(listener->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (!error && send(listener->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        error = errno;
    if (!error && epoll_ctl(crowd->arriving, EPOLL_CTL_MOD, listener->fd, &event))
        error = errno;
    if (error)
        fail_listener(crowd, listener, error);
    else
        listener->phase = WAITING;
}

/* ---- listening ----------------------------------------------------------------- */

static void note_first_byte(crowd_t *crowd, listener_t *listener) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
    if (crowd->first_bytes == crowd->first_bytes_room) {
        size_t room = crowd->first_bytes_room ? 2 * crowd->first_bytes_room : 1024;
        crowd->first_byte_us = realloc(crowd->first_byte_us, room * sizeof(uint32_t));
        if (!crowd->first_byte_us)
            fail("no memory", "fewer connects need less");
        crowd->first_bytes_room = room;
    }
    crowd->pending--;
    listener->read_ns = now_ns();
    epoll_ctl(crowd->arriving, EPOLL_CTL_DEL, listener->fd, NULL);
    epoll_ctl(crowd->streaming, EPOLL_CTL_ADD, listener->fd, &event);
    crowd->first_byte_us[crowd->first_bytes++] =
        (uint32_t)((listener->read_ns - listener->connect_ns) / 1000);
    settle(crowd, listener);
}

/* Audio with metadata within: a length byte and a block after every `interval` bytes. */
static void take_icy(crowd_t *crowd, listener_t *listener, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        size_t taken = 1;
        if (listener->block_left > 0) {
            taken = listener->block_left < count ? listener->block_left : count;
            listener->block_left -= (uint32_t)taken;
        } else if (listener->audio_left == 0) {
            listener->block_left = bytes[0] * 16u;
            listener->audio_left = listener->interval;
            crowd->titles += bytes[0] > 0;
        } else {
            taken = listener->audio_left < count ? listener->audio_left : count;
            listener->audio_left -= (uint32_t)taken;
            crowd->bytes += taken;
            record_check_feed(&listener->check, bytes, taken);
        }
        bytes += taken, count -= taken;
    }
}

static void take(crowd_t *crowd, listener_t *listener, const uint8_t *bytes, size_t count) {
    int64_t now = now_ns();
    if (listener->read_ns == 0)
        note_first_byte(crowd, listener);
    else if (now - listener->read_ns > listener->gap_ns)
        listener->gap_ns = now - listener->read_ns;
    listener->read_ns = now;
    if (listener->interval > 0) {
        take_icy(crowd, listener, bytes, count);
        return;
    }
    crowd->bytes += count;
    if (bytes)
        record_check_feed(&listener->check, bytes, count);
    else
        record_check_pass(&listener->check, count);
}

/* The value of a header of an answer's head, which is a string; NULL if it is not there. */
static const char *header_value(const char *head, const char *name) {
    size_t bytes = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, bytes) == 0 && line[2 + bytes] == ':')
            return line + 2 + bytes + 1 + strspn(line + 2 + bytes + 1, " \t");
    return NULL;
}

/* A stalled listener reads nothing from here on, and does not even see that the server has closed. */
static void start_streaming(crowd_t *crowd, listener_t *listener, const char *head) {
    const char *interval = header_value(head, "icy-metaint");
    crowd->connected++;
    listener->interval = options.icy && interval ? (uint32_t)strtoul(interval, NULL, 10) : 0;
    listener->audio_left = listener->interval;
    listener->phase = STREAMING;
    if (crowd->first + (listener - crowd->listeners) < options.stalled) {
        listener->phase = STALLED;
        crowd->pending--;
        epoll_ctl(crowd->arriving, EPOLL_CTL_DEL, listener->fd, NULL);
        settle(crowd, listener);
    }
}

static void on_head(crowd_t *crowd, listener_t *listener) {
    char *text = (char *)crowd->buffer, *end;
    size_t held = listener->head_bytes, read;
    if (held)
        memcpy(text, listener->head, held);
    ssize_t got = recv(listener->fd, text + held, HEAD_MOST - 1 - held, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            fail_listener(crowd, listener, got < 0 ? errno : EPIPE);
        return;
    }
    read = held + (size_t)got;
    text[read] = '\0';
    end = strstr(text, "\r\n\r\n");
    if (!end) {
        listener->head = listener->head ? listener->head : zeroed(HEAD_MOST, 1);
        listener->head_bytes = (uint32_t)read;
        memcpy(listener->head, text, read);
        if (read == HEAD_MOST - 1)
            fail_listener(crowd, listener, EMSGSIZE);
        return;
    }
    end[2] = '\0';
    const char *space = strchr(text, ' '), *coding = header_value(text, "Transfer-Encoding");
    unsigned long status = space ? strtoul(space, NULL, 10) : 0;
    if (status / 100 != 2 || coding) {
        crowd->chunked += coding && status / 100 == 2;
        crowd->refused[status < STATUS_MOST ? status : 0]++;
        leave(crowd, listener);
        settle(crowd, listener);
        return;
    }
    start_streaming(crowd, listener, text);
    size_t body = read - (size_t)(end + 4 - text);
    if (listener->phase == STREAMING && body > 0)
        take(crowd, listener, (uint8_t *)end + 4, body);
}

/* The sampled are always verified; the others at their beginning and end, which shows what they lost. */
static bool may_drain(const crowd_t *crowd, const listener_t *listener) {
    long number = crowd->first + (listener - crowd->listeners);
    return number % options.verify != 0 && listener->check.synced && listener->interval == 0 &&
           now_ns() < crowd->end_ns - LAST_LOOK_NS;
}

static void on_audio(crowd_t *crowd, listener_t *listener) {
    bool drain = may_drain(crowd, listener);
    ssize_t got = recv(listener->fd, crowd->buffer, BUFFER_BYTES, drain ? MSG_TRUNC : 0);
    if (got > 0) {
        take(crowd, listener, drain ? NULL : crowd->buffer, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        crowd->disconnected++;
        leave(crowd, listener);
        settle(crowd, listener);
    }
}

static void on_event(crowd_t *crowd, listener_t *listener) {
    if (listener->phase == CONNECTING)
        on_connected(crowd, listener);
    else if (listener->phase == WAITING)
        on_head(crowd, listener);
    else if (listener->phase == STREAMING)
        on_audio(crowd, listener);
}

/* ---- a thread ------------------------------------------------------------------ */

static long due(int64_t since_ns, long rate) {
    return (long)((now_ns() - since_ns) / 1000 * rate / 1000000);
}

/* With --pending, those who come wait for those who are still arriving: the server sets the pace. */
static bool has_room(const crowd_t *crowd) {
    return !options.pending || crowd->pending < options.pending / options.threads + 1;
}

/* Returns whether more are due already. */
static bool open_more(crowd_t *crowd) {
    long until = crowd->count;
    if (options.rate && due(crowd->began_ns, options.rate) / options.threads + 1 < until)
        until = due(crowd->began_ns, options.rate) / options.threads + 1;
    for (int n = 0; n < OPEN_AT_ONCE && crowd->opened < until && has_room(crowd); n++)
        open_listener(crowd, &crowd->listeners[crowd->opened++]);
    return crowd->opened < until && has_room(crowd);
}

/* Nobody comes or leaves for --rest ms once --rest-at have come. Returns how many may have been replaced by
 * now. */
static long churn_due(crowd_t *crowd) {
    int64_t rest_ns = options.rest * MS_NS;
    if (!options.churn || !crowd->settled_ns)
        return 0;
    if (options.rest_at && !crowd->rested_ns &&
        crowd->count + crowd->churned >= options.rest_at / options.threads) {
        crowd->rested_ns = now_ns() + rest_ns;
        tell("resting");
    }
    if (now_ns() < crowd->rested_ns)
        return 0;
    return due(crowd->settled_ns + (crowd->rested_ns ? rest_ns : 0), options.churn) / options.threads;
}

/* The one that has been there longest leaves, and another comes in its place. One that waits for its first
 * byte is waited for. */
static void churn_more(crowd_t *crowd) {
    for (int n = 0; n < OPEN_AT_ONCE && crowd->churned < churn_due(crowd); n++) {
        listener_t *listener = &crowd->listeners[crowd->turn];
        bool made = options.connects && crowd->count + crowd->churned >= crowd->connects_most;
        if (made || is_pending(listener) || !has_room(crowd))
            return;
        crowd->left += listener->phase != ABSENT;
        leave(crowd, listener);
        open_listener(crowd, listener);
        crowd->turn = (crowd->turn + 1) % crowd->count;
        crowd->churned++;
    }
}

static int take_events(crowd_t *crowd, int epoll, int wait_ms) {
    struct epoll_event events[EVENTS];
    int got = epoll_wait(epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < got; i++)
        on_event(crowd, events[i].data.ptr);
    return got;
}

/* Those who arrive are heeded at once. For the others a look every `pace` ms is enough: that is as a player
 * with a buffer does, and leaves the processors to the server. */
static void listen_once(crowd_t *crowd, bool busy) {
    int64_t left_ms = (crowd->look_ns - now_ns()) / MS_NS;
    int wait_ms = busy || left_ms < 0 ? 0 : (options.rate || options.churn) && left_ms > 1 ? 1 : (int)left_ms;
    take_events(crowd, crowd->arriving, wait_ms);
    if (now_ns() < crowd->look_ns)
        return;
    for (long n = 0; n <= crowd->count / EVENTS; n++)
        if (take_events(crowd, crowd->streaming, 0) < EVENTS)
            break;
    crowd->look_ns = now_ns() + options.pace * MS_NS;
}

/* After the first signal the drained ones are verified once more; the second ends it at once. */
static void heed_signals(crowd_t *crowd, int *heeded) {
    int64_t end_ns = now_ns() + (*heeded == 0 && options.verify > 1 ? LAST_LOOK_NS : 0);
    if (*heeded < stopping && end_ns < crowd->end_ns)
        crowd->end_ns = end_ns;
    *heeded = stopping;
}

static void *run_crowd(void *argument) {
    crowd_t *crowd = argument;
    int heeded = 0;
    crowd->began_ns = now_ns();
    crowd->end_ns = crowd->began_ns + options.seconds * S_NS;
    while (now_ns() < crowd->end_ns && !(options.once && crowd->settled == crowd->count)) {
        bool busy = open_more(crowd);
        churn_more(crowd);
        listen_once(crowd, busy);
        if (stopping > heeded)
            heed_signals(crowd, &heeded);
    }
    return NULL;
}

#endif
