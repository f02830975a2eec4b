/* bench/cast/record_check.h: verifies what one listener hears of a stream of records.
 *
 *     record_check_feed   bytes that were received, in any pieces
 *     record_check_pass   bytes that were received and thrown away unseen; only their number counts
 *
 * Every byte is one of these in the end:
 *
 *     verified   it is the byte that stands at its position
 *     corrupt    it is not; or it was heard before, since the stream went backwards
 *     unseen     it was passed, or belongs to a record that has not ended yet
 *
 * A stream that goes on at a later position was moved forward by the server: `skips` counts how often,
 * `skipped` how many bytes are missing. What passed unseen is still checked in sum: the next record that is
 * seen has to have the number that the passed bytes lead to.
 */
#ifndef BENCH_CAST_RECORD_CHECK_H
#define BENCH_CAST_RECORD_CHECK_H

#include "record_stream.h"

/* A jump leaves up to 63 bytes of the old record and 63 of the one it lands in before the next whole one. */
enum { RECORD_HELD_MOST = 3 * RECORD_BYTES };

typedef struct {
    uint64_t next; /* the record that held[0] begins, once synced */
    uint64_t verified, corrupt, skipped, skips;
    bool synced;   /* a whole record has been seen */
    uint8_t blind; /* bytes before record `next` that are not looked at */
    uint8_t held_bytes;
    uint8_t held[RECORD_HELD_MOST];
} record_check_t;

/* Where in the stream the next byte is expected. Only of use once synced. */
static inline uint64_t record_check_position(const record_check_t *check) {
    return check->next * RECORD_BYTES + check->held_bytes - check->blind;
}

/* How many of bytes[0 .. count) are not what stands in the stream from a position on. */
static inline unsigned record_differing(uint64_t position, const uint8_t *bytes, unsigned count) {
    uint8_t wanted[RECORD_HELD_MOST];
    unsigned differing = 0;
    record_fill(position, wanted, count);
    for (unsigned i = 0; i < count; i++)
        differing += wanted[i] != bytes[i];
    return differing;
}

/* How many of bytes[0 .. count), from the first on, are what stands in the stream from a position on. */
static inline unsigned record_agreeing(uint64_t position, const uint8_t *bytes, unsigned count) {
    uint8_t wanted[RECORD_HELD_MOST];
    unsigned agreeing = 0;
    record_fill(position, wanted, count);
    while (agreeing < count && wanted[agreeing] == bytes[agreeing])
        agreeing++;
    return agreeing;
}

static inline void record_drop(record_check_t *check, unsigned count) {
    check->held_bytes = (uint8_t)(check->held_bytes - count);
    memmove(check->held, check->held + count, check->held_bytes);
}

/* The first whole record within what is held. Its number is believed only if the rest follows from it. */
static inline bool record_find(const record_check_t *check, unsigned *at) {
    for (unsigned i = 0; i + RECORD_BYTES <= check->held_bytes; i++)
        if (memcmp(check->held + i, RECORD_MARKER, sizeof(RECORD_MARKER)) == 0 &&
            record_is(check->held + i, record_number(check->held + i))) {
            *at = i;
            return true;
        }
    return false;
}

/* Accounts for held[0 .. at), which lies between what was expected and a record that was found. */
static inline void record_account(record_check_t *check, unsigned at, uint64_t found) {
    uint64_t here = check->next * RECORD_BYTES + at, there = found * RECORD_BYTES;
    unsigned old = 0; /* bytes that still belong to where the stream was before a jump */
    if (!check->synced && there < at) {
        check->corrupt += at; /* nothing can stand before the beginning */
        return;
    }
    if (check->synced && here != there)
        old = record_agreeing(check->next * RECORD_BYTES, check->held, at);
    if (check->synced && there > here)
        check->skipped += there - here, check->skips++;
    if (check->synced && there < here)
        check->corrupt += here - there;
    unsigned differing =
        there < at ? at - old : record_differing(there - at + old, check->held + old, at - old);
    check->corrupt += differing;
    check->verified += at - differing;
}

/* Takes whole records out of what is held, as far as that can be decided yet. */
static inline void record_settle(record_check_t *check) {
    while (check->held_bytes >= RECORD_BYTES) {
        unsigned at;
        if (check->synced && record_is(check->held, check->next)) {
            check->verified += RECORD_BYTES;
        } else if (record_find(check, &at)) {
            record_account(check, at, record_number(check->held + at));
            check->next = record_number(check->held + at);
            check->synced = true;
            record_drop(check, at);
            continue;
        } else if (check->held_bytes < RECORD_HELD_MOST) {
            return; /* a jump and a wrong byte look the same until the next whole record is here */
        } else {
            check->corrupt += RECORD_BYTES;
        }
        check->next++;
        record_drop(check, RECORD_BYTES);
    }
}

static inline void record_check_feed(record_check_t *check, const uint8_t *bytes, size_t count) {
    size_t blind = check->blind < count ? check->blind : count;
    check->blind = (uint8_t)(check->blind - blind);
    bytes += blind, count -= blind;
    while (count > 0) {
        /* Nearly always: whole records, verified where they lie. */
        if (check->held_bytes == 0 && check->synced && count >= RECORD_BYTES &&
            record_is(bytes, check->next)) {
            check->next++, check->verified += RECORD_BYTES;
            bytes += RECORD_BYTES, count -= RECORD_BYTES;
            continue;
        }
        size_t room = (size_t)(RECORD_HELD_MOST - check->held_bytes), taken = count < room ? count : room;
        if (check->held_bytes < RECORD_BYTES) { /* to the end of the record, for the short way above */
            room = (size_t)(RECORD_BYTES - check->held_bytes);
            taken = taken < room ? taken : room;
        }
        memcpy(check->held + check->held_bytes, bytes, taken);
        check->held_bytes = (uint8_t)(check->held_bytes + taken);
        bytes += taken, count -= taken;
        record_settle(check);
    }
}

/* Only once synced. What is held of an unfinished record is passed along. */
static inline void record_check_pass(record_check_t *check, uint64_t count) {
    count += check->held_bytes;
    check->held_bytes = 0;
    if (count <= check->blind) {
        check->blind = (uint8_t)(check->blind - count);
        return;
    }
    count -= check->blind;
    check->next += (count + RECORD_BYTES - 1) / RECORD_BYTES;
    check->blind = (uint8_t)((RECORD_BYTES - count % RECORD_BYTES) % RECORD_BYTES);
}

#endif
