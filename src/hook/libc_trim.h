/* hook/libc_trim.h: when libc is asked to give back its free memory.
 *
 * What C code frees stays with libc, between blocks that are in use. malloc_trim(0) gives back
 * all whole free pages. While it walks an arena, other threads cannot allocate from that arena.
 * It gives back what the program needs again at once, too. And nothing tells beforehand how much
 * is free: mallinfo2 walks as long, and holds the same lock. So the helper looks once a second
 * and learns from each trim what it brought and cost:
 *
 *   look --- the program has run since the last trim ---> trim ---> wait 100 times its cost,
 *    |  ^                                                              at least a second
 *    |  '----------------------------------------------------------------'
 *    '--- it has not ---> rest: no further look, until the program uses the heap again
 *
 * The cost is the processor time of the trim, and the time in which the kernel makes those pages
 * again that came back after it. So both together take at most a hundredth of the time.
 * If a trim took so long that a thread may have waited noticeably, further ones wait for a look
 * at which the program has not run.
 */
#ifndef NEAP_HOOK_LIBC_TRIM_H
#define NEAP_HOOK_LIBC_TRIM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NEAP_LIBC_LOOK_MS = 1000,   /* time between two looks */
    NEAP_LIBC_SHARE = 100,      /* trims take one part of so many of the time */
    NEAP_LIBC_RAN_US = 1000,    /* a program that used less processor time has not run */
    NEAP_LIBC_STALL_US = 20000, /* a trim that took longer may have kept a thread waiting */
    NEAP_LIBC_US_A_MB = 200, /* the kernel needs so long to make 2^20 bytes again, a page fault at a time */
};

/* What is known at one moment. */
struct neap__libc_moment {
    uint64_t at_ms;  /* a clock that only goes forward */
    uint64_t ran_us; /* processor time that the program's threads have used so far; it is the difference
                        of two clocks, and may go back a little */
    uint64_t resident_bytes; /* of the process, but for the heap */
};

/* What a trim cost. */
struct neap__libc_cost {
    uint64_t used_us; /* processor time */
    uint64_t took_us; /* time from its begin to its end: so long a thread may have waited */
};

/* What was learned. All zero at first. */
struct neap__libc_pace {
    struct neap__libc_moment left; /* right after the last trim */
    uint64_t looked_us;            /* ran_us at the last look */
    uint64_t gained_bytes;         /* by how much the last trim lowered resident_bytes */
    uint64_t not_before_ms;        /* the earliest next trim; no look is needed before */
    uint64_t look_ms;              /* the next look, as the helper sets it; 0 = none, the program rests */
    bool stalls;                   /* the last trim took longer than NEAP_LIBC_STALL_US */
};

enum neap__libc_step {
    NEAP_LIBC_WAIT, /* look again later */
    NEAP_LIBC_TRIM, /* trim now */
    NEAP_LIBC_REST, /* the program does nothing: no need to look again before it does */
};

/* Decides what to do at a look. `now` needs no resident_bytes. */
enum neap__libc_step neap__libc_pace_look(struct neap__libc_pace *pace, const struct neap__libc_moment *now);

/* Learns from a trim: the moments before and after it, and its cost. */
void neap__libc_pace_learn(struct neap__libc_pace *pace, const struct neap__libc_moment *before,
                           const struct neap__libc_moment *after, const struct neap__libc_cost *cost);

#endif
