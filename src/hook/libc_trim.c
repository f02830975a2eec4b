/* hook/libc_trim.c: decides and learns; the helper does the rest. */
#include "hook/libc_trim.h"

static uint64_t beyond(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

enum neap__libc_step neap__libc_pace_look(struct neap__libc_pace *pace, const struct neap__libc_moment *now) {
    bool runs = beyond(now->ran_us, pace->looked_us) >= NEAP_LIBC_RAN_US;
    bool ran = beyond(now->ran_us, pace->left.ran_us) >= NEAP_LIBC_RAN_US;
    pace->looked_us = now->ran_us;
    if (!ran)
        return NEAP_LIBC_REST;
    if (now->at_ms < pace->not_before_ms || (pace->stalls && runs))
        return NEAP_LIBC_WAIT;
    return NEAP_LIBC_TRIM;
}

/* How much of what the last trim gave back is in memory again. */
static uint64_t came_back(const struct neap__libc_pace *pace, const struct neap__libc_moment *before) {
    uint64_t more = beyond(before->resident_bytes, pace->left.resident_bytes);
    return more < pace->gained_bytes ? more : pace->gained_bytes;
}

void neap__libc_pace_learn(struct neap__libc_pace *pace, const struct neap__libc_moment *before,
                           const struct neap__libc_moment *after, const struct neap__libc_cost *cost) {
    uint64_t cost_us = cost->used_us + (came_back(pace, before) >> 20) * NEAP_LIBC_US_A_MB;
    uint64_t wait_ms = cost_us * NEAP_LIBC_SHARE / 1000;
    pace->gained_bytes =
        before->resident_bytes > after->resident_bytes ? before->resident_bytes - after->resident_bytes : 0;
    pace->left = *after;
    pace->not_before_ms = after->at_ms + wait_ms;
    pace->stalls = cost->took_us > NEAP_LIBC_STALL_US;
}
