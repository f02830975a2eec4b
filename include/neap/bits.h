/* neap/bits.h: an array of bits that grows and shrinks, in memory or in a file.
 *
 *     up to 64 bits   [ word | count | 0 | allocator | state ]           no block at all
 *     more            [ words | count | room | allocator | state ]
 *                         └──> [ word 0 | word 1 | ... | room ]          one block
 *     a file          [ words | count | room | file | state ]
 *                         └──> the file's own pages, mapped
 *
 * Bit i is bit i % 8 of byte i / 8, in memory, in a buffer and in a file, on every
 * machine. As a number, bit 0 is the lowest. Bits of the last word beyond `count` are
 * zero, unless somebody wrote them through neap_bits_data.
 *
 * The struct is open so that it can lie inside of others; its members are private.
 * Every `from`, `to`, `at` is a position in bits; ranges are [from, to), to <= count.
 * Threads: any number may read, or one may write. An array may be moved by copying
 * its struct, never held twice.
 */
#ifndef NEAP_BITS_H
#define NEAP_BITS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/allocator.h>
#include <neap/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum neap_bits_state {
    NEAP_BITS_IN_MEMORY = 0,
    NEAP_BITS_IN_FILE = 1,        /* mapped; what is written is in the file */
    NEAP_BITS_IN_FILE_TO_READ = 2 /* mapped; nothing may be written */
};

typedef struct neap_bits {
    union {
        uint64_t *words;
        uint64_t word; /* room_words == 0 */
    } in;
    uint64_t count;      /* bits */
    uint64_t room_words; /* of the block or mapping, 64 bits each */
    union {
        const struct neap_allocator *allocator;
        struct neap__bits_file *file;
    } from;
    uint32_t state; /* enum neap_bits_state */
    uint32_t user;  /* for whoever embeds it; 0 at first */
} neap_bits_t;

/* --- life --- */

/* `count` bits, all zero. `allocator` is kept by reference and outlives the array; NULL: one
 * heap of the process for all arrays, which any thread may share. NEAP_ERROR_MEMORY. */
int neap_bits_init(neap_bits_t *bits, const struct neap_allocator *allocator, uint64_t count);

/* The same, holding bits [from, to) of `source`. */
int neap_bits_init_copy(neap_bits_t *bits, const struct neap_allocator *allocator, const neap_bits_t *source,
                        uint64_t from, uint64_t to);

enum neap_bits_mode {
    NEAP_BITS_READ = 0,  /* nothing may be written */
    NEAP_BITS_WRITE = 1, /* a file or block device that is there */
    NEAP_BITS_MAKE = 2   /* a new file without a bit, in the place of any other */
};

/* The bits of a file or a block device, mapped: eight for each of its bytes. Writes are in the
 * file when the system wants, or with neap_bits_flush; other processes that map it see them at
 * once. Who truncates the file meanwhile from elsewhere ends those who read it (SIGBUS).
 * NEAP_ERROR_ABSENT, _PERMISSION, _FORMAT (neither file nor block device), _MEMORY, _SYSTEM. */
int neap_bits_open(neap_bits_t *bits, const char *path, enum neap_bits_mode mode);

/* Ends the array; it is then as one of no bits, and may be ended again. */
void neap_bits_end(neap_bits_t *bits);

/* Makes it `count` bits long; new ones are zero, and pages that it no longer needs go back. A file
 * is made as long. NEAP_ERROR_MEMORY, and of files _PERMISSION (to read only, a device) and
 * _SYSTEM: the array is then as before. Making it shorter in memory cannot fail. */
int neap_bits_resize(neap_bits_t *bits, uint64_t count);

/* Whether its length can change: that of a file to read only and of a device cannot. */
bool neap_bits_resizes(const neap_bits_t *bits);

/* The same, and some more room, or keeping it, so that many small steps are cheap. */
int neap_bits_stretch(neap_bits_t *bits, uint64_t count);

/* One more bit at the end. Errors as those of neap_bits_stretch. */
int neap_bits_append(neap_bits_t *bits, bool value);

/* Gives back spare room, and the pages that hold nothing but zeros (in memory of the default
 * heap). Returns bytes, estimated. */
uint64_t neap_bits_trim(neap_bits_t *bits);

/* Puts what was written to a mapped file on its disk. NEAP_ERROR_SYSTEM. */
int neap_bits_flush(neap_bits_t *bits);

/* Bytes of the block or mapping, the struct not counted. */
static inline uint64_t neap_bits_block_bytes(const neap_bits_t *bits) {
    return bits->room_words * sizeof(uint64_t);
}

/* Verifies the invariants; false with a static text in *why at the first that does not hold. */
bool neap_bits_check(const neap_bits_t *bits, const char **why);

/* --- one bit, up to 64 bits --- */

/* The first of (count + 7) / 8 bytes, good until the array is resized or ended. */
static inline unsigned char *neap_bits_data(const neap_bits_t *bits) {
    return bits->room_words ? (unsigned char *)bits->in.words : (unsigned char *)&bits->in.word;
}

/* Zeroes what somebody wrote through neap_bits_data beyond the last bit. */
void neap_bits_clear_rest(neap_bits_t *bits);

static inline bool neap_bits_get(const neap_bits_t *bits, uint64_t at) {
    assert(at < bits->count);
    return neap_bits_data(bits)[at / 8] >> (at % 8) & 1;
}

static inline void neap_bits_set(neap_bits_t *bits, uint64_t at, bool value) {
    assert(at < bits->count && bits->state != NEAP_BITS_IN_FILE_TO_READ);
    unsigned char *byte = neap_bits_data(bits) + at / 8, bit = (unsigned char)(1u << at % 8);
    *byte = (unsigned char)(value ? *byte | bit : *byte & ~bit);
}

/* Bits [at, at + width) as a number, width <= 64. */
uint64_t neap_bits_load(const neap_bits_t *bits, uint64_t at, unsigned width);

/* Sets them from the `width` lowest bits of `value`. */
void neap_bits_store(neap_bits_t *bits, uint64_t at, unsigned width, uint64_t value);

/* --- ranges --- */

void neap_bits_fill(neap_bits_t *bits, uint64_t from, uint64_t to, bool value);
void neap_bits_invert(neap_bits_t *bits, uint64_t from, uint64_t to);
void neap_bits_reverse(neap_bits_t *bits);

/* Copies `count` bits from `source` at `source_at`; the two may be one array and overlap. */
void neap_bits_copy(neap_bits_t *bits, uint64_t at, const neap_bits_t *source, uint64_t source_at,
                    uint64_t count);

/* Makes `count` zero bits before position `at`, or takes out the `count` bits from `at`.
 * Errors as neap_bits_stretch and neap_bits_resize. */
int neap_bits_insert(neap_bits_t *bits, uint64_t at, uint64_t count);
int neap_bits_remove(neap_bits_t *bits, uint64_t at, uint64_t count);

/* Moves all bits by `distance` to higher (lower) positions; the length stays, zeros come in. As
 * numbers: times (divided by) 2^distance. */
void neap_bits_shift_up(neap_bits_t *bits, uint64_t distance);
void neap_bits_shift_down(neap_bits_t *bits, uint64_t distance);

/* Set bits in a range. */
uint64_t neap_bits_count(const neap_bits_t *bits, uint64_t from, uint64_t to);

/* The first, or last, bit that is `value` in a range; false if there is none. */
bool neap_bits_find(const neap_bits_t *bits, bool value, uint64_t from, uint64_t to, uint64_t *at);
bool neap_bits_find_last(const neap_bits_t *bits, bool value, uint64_t from, uint64_t to, uint64_t *at);

/* The first place in a range where all of `pattern` lies. An empty one is found at `from`. */
bool neap_bits_search(const neap_bits_t *bits, const neap_bits_t *pattern, uint64_t from, uint64_t to,
                      uint64_t *at);

/* --- two arrays --- */

bool neap_bits_equal(const neap_bits_t *a, const neap_bits_t *b);

enum neap_bits_operation {
    NEAP_BITS_AND = 0,
    NEAP_BITS_OR = 1,
    NEAP_BITS_XOR = 2,
    NEAP_BITS_AND_NOT = 3 /* what is set in the first alone */
};

/* bits = bits operation other. NEAP_ERROR_ARGUMENT if they are not of one length. */
int neap_bits_combine(neap_bits_t *bits, enum neap_bits_operation operation, const neap_bits_t *other);

/* How many bits bits operation other would have set, without making it. Equal lengths (assert). */
uint64_t neap_bits_combined_count(const neap_bits_t *bits, enum neap_bits_operation operation,
                                  const neap_bits_t *other);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
