/* containers/bits/bits_scan.c: counts, finds, compares and combines, one or more words at a time.
 *
 * The inner loops are plain C and compiled twice: for any machine and, on x86, for AVX2 and
 * popcnt. The processor is asked at run time.
 */
#include <neap/bits.h>

#include <string.h>

#include "base/word.h"
#include "containers/bits/bits_words.h"

/* --- inner loops --- */

/* Vectors of two and four words, aligned to a word. The compiler makes bad code for vectors that
 * are wider than the machine's. */
typedef uint64_t plain_lanes __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t wide_lanes __attribute__((vector_size(32), aligned(8), may_alias));

#define STEP(lanes, to, with, expression)                                                                    \
    {                                                                                                        \
        const lanes a = *(lanes *)(to), b = *(const lanes *)(with);                                          \
        *(lanes *)(to) = expression;                                                                         \
        (void)b;                                                                                             \
    }

#define COMBINE(name, lanes, expression)                                                                     \
    static void name(uint64_t *to, const uint64_t *with, size_t words) {                                     \
        const size_t one = sizeof(lanes) / sizeof(uint64_t);                                                 \
        size_t i = 0;                                                                                        \
        for (; words - i >= 2 * one; i += 2 * one) {                                                         \
            STEP(lanes, to + i, with + i, expression)                                                        \
            STEP(lanes, to + i + one, with + i + one, expression)                                            \
        }                                                                                                    \
        for (; i < words; i++)                                                                               \
            STEP(uint64_t, to + i, with + i, expression)                                                     \
    }

#define LOOPS(name)                                                                                          \
    static uint64_t name##_count(const uint64_t *a, size_t words) {                                          \
        uint64_t sums[4] = {0};                                                                              \
        size_t i = 0;                                                                                        \
        for (; words - i >= 4; i += 4) {                                                                     \
            sums[0] += neap_word_count(a[i]);                                                                \
            sums[1] += neap_word_count(a[i + 1]);                                                            \
            sums[2] += neap_word_count(a[i + 2]);                                                            \
            sums[3] += neap_word_count(a[i + 3]);                                                            \
        }                                                                                                    \
        for (; i < words; i++)                                                                               \
            sums[0] += neap_word_count(a[i]);                                                                \
        return sums[0] + sums[1] + sums[2] + sums[3];                                                        \
    }                                                                                                        \
    COMBINE(name##_and, name##_lanes, a &b)                                                                  \
    COMBINE(name##_or, name##_lanes, a | b)                                                                  \
    COMBINE(name##_xor, name##_lanes, a ^ b)                                                                 \
    COMBINE(name##_and_not, name##_lanes, a & ~b)                                                            \
    COMBINE(name##_invert, name##_lanes, ~a)                                                                 \
    static const struct loops name = {name##_count,                                                          \
                                      {name##_and, name##_or, name##_xor, name##_and_not, name##_invert}};

enum { INVERT = NEAP_BITS_AND_NOT + 1 };

struct loops {
    uint64_t (*count)(const uint64_t *a, size_t words);
    void (*combine[INVERT + 1])(uint64_t *a, const uint64_t *b,
                                size_t words); /* by enum neap_bits_operation, and INVERT */
};

LOOPS(plain)

#if defined(__x86_64__) || defined(__i386__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)
LOOPS(wide)
#pragma clang attribute pop
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")
LOOPS(wide)
#pragma GCC pop_options
#endif

static const struct loops *loops(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") ? &wide : &plain;
}
#else
static const struct loops *loops(void) {
    return &plain;
}
#endif

void neap__bits_invert_words(uint64_t *words, size_t count) {
    loops()->combine[INVERT](words, words, count);
}

/* --- counting --- */

uint64_t neap_bits_count(const neap_bits_t *bits, uint64_t from, uint64_t to) {
    assert(from <= to && to <= bits->count);
    uint64_t first = words_for(from), last = to / WORD_BITS, sum = 0;
    if (first < last) {
        sum = loops()->count(words_of(bits) + first, (size_t)(last - first)) +
              neap_word_count(neap_bits_load(bits, from, (unsigned)(first * WORD_BITS - from)));
        from = last * WORD_BITS;
    }
    for (; from < to; from += WORD_BITS)
        sum +=
            neap_word_count(neap_bits_load(bits, from, to - from < WORD_BITS ? (unsigned)(to - from) : 64));
    return sum;
}

/* --- finding --- */

bool neap_bits_find(const neap_bits_t *bits, bool value, uint64_t from, uint64_t to, uint64_t *at) {
    assert(from <= to && to <= bits->count);
    const uint64_t *words = words_of(bits), flip = value ? 0 : ~UINT64_C(0);
    uint64_t last = to / WORD_BITS;
    while (from < to) {
        uint64_t i = from / WORD_BITS;
        if (from % WORD_BITS == 0) /* skip whole words without such a bit */
            while (i < last && words[i] == flip)
                i++;
        if (i > from / WORD_BITS)
            from = i * WORD_BITS;
        if (from >= to)
            break;
        uint64_t end = (i + 1) * WORD_BITS;
        unsigned width = (unsigned)((end < to ? end : to) - from);
        uint64_t found = (neap_bits_load(bits, from, width) ^ flip) & low_ones(width);
        if (found != 0) {
            *at = from + neap_word_lowest(found);
            return true;
        }
        from += width;
    }
    return false;
}

bool neap_bits_find_last(const neap_bits_t *bits, bool value, uint64_t from, uint64_t to, uint64_t *at) {
    assert(from <= to && to <= bits->count);
    const uint64_t *words = words_of(bits), flip = value ? 0 : ~UINT64_C(0);
    uint64_t first = words_for(from);
    while (from < to) {
        uint64_t i = to / WORD_BITS;
        if (to % WORD_BITS == 0)
            while (i > first && words[i - 1] == flip)
                i--;
        if (i < to / WORD_BITS)
            to = i * WORD_BITS;
        if (from >= to)
            break;
        uint64_t start = (to - 1) / WORD_BITS * WORD_BITS;
        start = start > from ? start : from;
        unsigned width = (unsigned)(to - start);
        uint64_t found = (neap_bits_load(bits, start, width) ^ flip) & low_ones(width);
        if (found != 0) {
            *at = start + neap_word_highest(found);
            return true;
        }
        to = start;
    }
    return false;
}

/* Whether all of `pattern` lies at `at`. */
static bool lies_at(const neap_bits_t *bits, const neap_bits_t *pattern, uint64_t at) {
    for (uint64_t i = 0; i < pattern->count; i += WORD_BITS) {
        unsigned width = pattern->count - i < WORD_BITS ? (unsigned)(pattern->count - i) : WORD_BITS;
        if (neap_bits_load(bits, at + i, width) != neap_bits_load(pattern, i, width))
            return false;
    }
    return true;
}

bool neap_bits_search(const neap_bits_t *bits, const neap_bits_t *pattern, uint64_t from, uint64_t to,
                      uint64_t *at) {
    assert(from <= to && to <= bits->count);
    if (pattern->count == 0) {
        *at = from;
        return true;
    }
    bool start = neap_bits_get(pattern, 0);
    uint64_t place;
    while (to - from >= pattern->count &&
           neap_bits_find(bits, start, from, to - pattern->count + 1, &place)) {
        if (lies_at(bits, pattern, place)) {
            *at = place;
            return true;
        }
        from = place + 1;
    }
    return false;
}

/* --- two arrays --- */

bool neap_bits_equal(const neap_bits_t *a, const neap_bits_t *b) {
    if (a->count != b->count)
        return false;
    uint64_t whole = a->count / WORD_BITS;
    unsigned rest = a->count % WORD_BITS;
    return memcmp(words_of(a), words_of(b), (size_t)whole * WORD_BYTES) == 0 &&
           neap_bits_load(a, whole * WORD_BITS, rest) == neap_bits_load(b, whole * WORD_BITS, rest);
}

int neap_bits_combine(neap_bits_t *bits, enum neap_bits_operation operation, const neap_bits_t *other) {
    assert(bits->state != NEAP_BITS_IN_FILE_TO_READ);
    if (bits->count != other->count || (unsigned)operation > NEAP_BITS_AND_NOT)
        return NEAP_ERROR_ARGUMENT;
    uint64_t whole = bits->count / WORD_BITS, at = whole * WORD_BITS;
    unsigned rest = bits->count % WORD_BITS;
    loops()->combine[operation](words_of(bits), words_of(other), (size_t)whole);
    if (rest != 0) { /* behind the last bit of a file there may be another process's */
        uint64_t last = neap_bits_load(bits, at, rest), with = neap_bits_load(other, at, rest);
        loops()->combine[operation](&last, &with, 1);
        neap_bits_store(bits, at, rest, last);
    }
    return NEAP_OK;
}

uint64_t neap_bits_combined_count(const neap_bits_t *bits, enum neap_bits_operation operation,
                                  const neap_bits_t *other) {
    assert(bits->count == other->count && (unsigned)operation <= NEAP_BITS_AND_NOT);
    const struct loops *by = loops();
    uint64_t piece[256], sum = 0;
    for (uint64_t from = 0; from < bits->count; from += sizeof(piece) * 8) { /* a piece fits in the cache */
        uint64_t count = bits->count - from < sizeof(piece) * 8 ? bits->count - from : sizeof(piece) * 8;
        size_t words = (size_t)words_for(count);
        memcpy(piece, words_of(bits) + from / WORD_BITS, words * WORD_BYTES);
        by->combine[operation](piece, words_of(other) + from / WORD_BITS, words);
        if (count % WORD_BITS != 0)
            piece[words - 1] &= turned(low_ones(count % WORD_BITS));
        sum += by->count(piece, words);
    }
    return sum;
}
