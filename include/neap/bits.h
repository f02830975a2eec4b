/* neap/bits.h: an array of bits that grows and shrinks, in memory or in a file.
 *
 *     up to 64 bits   [ word | count | 0 | allocator | state ]           without a block
 *     more            [ words | count | room | allocator | state ]
 *                         └──> [ word 0 | word 1 | ... | room ]          one block
 *     a file          [ words | count | room | file | state ]
 *                         └──> the pages of the file, mapped
 *
 * Bit i is bit i % 8 of byte i / 8, in memory, in a buffer and in a file, on every
 * machine. As a number, bit 0 is the lowest. Bits of the last word beyond `count` are
 * zero, unless the caller wrote them through neap_bits_data.
 *
 * The struct is public so that it can be a member of others; its members are private.
 * Every `from`, `to`, `at` is a position in bits; ranges are [from, to), to <= count.
 * Threads: any number of threads may read, or one may write. An array may be moved by
 * copying its struct; only one of the two copies may be used afterwards.
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
    NEAP_BITS_IN_FILE = 1,        /* mapped; writes go to the file */
    NEAP_BITS_IN_FILE_TO_READ = 2 /* mapped read-only */
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
    uint32_t user;  /* free for the caller's use; 0 at first */
} neap_bits_t;

/* --- life --- */

/* Makes an array of `count` bits, all zero. The array keeps a reference to `allocator`, which must
 * outlive it. NULL: a heap that all arrays of the process share, in any thread. Returns
 * NEAP_ERROR_MEMORY if there is no memory. The caller ends the array with neap_bits_end. */
int neap_bits_init(neap_bits_t *bits, const struct neap_allocator *allocator, uint64_t count);

/* The same, as a copy of bits [from, to) of `source`. */
int neap_bits_init_copy(neap_bits_t *bits, const struct neap_allocator *allocator, const neap_bits_t *source,
                        uint64_t from, uint64_t to);

enum neap_bits_mode {
    NEAP_BITS_READ = 0,  /* read-only */
    NEAP_BITS_WRITE = 1, /* an existing file or block device */
    NEAP_BITS_MAKE = 2   /* a new file of no bits, in place of an existing one */
};

/* Maps the bits of a file or a block device: eight for each of its bytes. The system writes changes
 * to the disk later, or when neap_bits_flush is called. Other processes that map the file see them
 * at once. The length is the file's: see neap_bits_follow. To write, a link at `path` that another user
 * than the caller and root made is refused. To notice a file that is cut short, a handler of SIGBUS is
 * installed with the first file that is mapped; it passes on every other SIGBUS. A thread that blocks SIGBUS
 * has no such help. Returns NEAP_ERROR_ABSENT, _PERMISSION, _FORMAT (neither file nor block device), _MEMORY,
 * _SYSTEM. */
int neap_bits_open(neap_bits_t *bits, const char *path, enum neap_bits_mode mode);

/* Takes over the length that the file has now; other handles may have changed it. The data may move. Does
 * nothing for an array in memory. The calls below that change a length do this first. NEAP_ERROR_FORMAT: the
 * file was cut short since the last such call, and the array now has the length of today: bits beyond it are
 * lost, and what was read of them may have been zeros. NEAP_ERROR_MEMORY, _SYSTEM: nothing has changed. */
int neap_bits_follow(neap_bits_t *bits);

/* How many bits neap_bits_follow would find; it changes nothing. A system call for a file. */
uint64_t neap_bits_length(const neap_bits_t *bits);

/* Whether a call met bits that are cut off the file (or that its disk cannot read). They are zeros, and what
 * is written there is lost. It stays so until neap_bits_follow. Ask it after the calls; it costs next to
 * nothing. */
bool neap_bits_is_cut(const neap_bits_t *bits);

/* Ends the array and frees its memory. It then is an array of no bits, and may be ended again. */
void neap_bits_end(neap_bits_t *bits);

/* Makes the array `count` bits long. New bits are zero; pages that it no longer needs go back to the
 * system. A mapped file gets the new length too. Returns NEAP_ERROR_MEMORY, and for a file also
 * _PERMISSION (it is read-only, or a device), _SYSTEM, and _FORMAT (it was cut short: as for
 * neap_bits_follow); the array is otherwise as before. To shorten an array in memory cannot fail. */
int neap_bits_resize(neap_bits_t *bits, uint64_t count);

/* Whether the length can change. That of a read-only file or of a device cannot. */
bool neap_bits_resizes(const neap_bits_t *bits);

/* As neap_bits_resize, but allocates spare room when the array grows and keeps some when it shrinks,
 * so that many small steps are cheap. */
int neap_bits_stretch(neap_bits_t *bits, uint64_t count);

/* Appends a bit, to a file at the end that it has now. Errors as for neap_bits_stretch. */
int neap_bits_append(neap_bits_t *bits, bool value);

/* Gives back spare room and, if the array uses the default heap, pages that hold only zeros. Returns
 * an estimate of the bytes given back. */
uint64_t neap_bits_trim(neap_bits_t *bits);

/* Writes all changes of a mapped file to the disk and waits for it. NEAP_ERROR_SYSTEM; NEAP_ERROR_FORMAT as
 * neap_bits_is_cut. */
int neap_bits_flush(neap_bits_t *bits);

/* Bytes of the block or mapping, without the struct. */
static inline uint64_t neap_bits_block_bytes(const neap_bits_t *bits) {
    return bits->room_words * sizeof(uint64_t);
}

/* Verifies the invariants. Returns false, with a static text in *why, at the first that does not
 * hold. */
bool neap_bits_check(const neap_bits_t *bits, const char **why);

/* --- one bit, up to 64 bits --- */

/* The first of (count + 7) / 8 bytes; valid until the array is resized or ended. */
static inline unsigned char *neap_bits_data(const neap_bits_t *bits) {
    return bits->room_words ? (unsigned char *)bits->in.words : (unsigned char *)&bits->in.word;
}

/* Zeroes the bits beyond the last one. Call it after writing the last byte through neap_bits_data. */
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

/* The first inserts `count` zero bits before position `at`; errors as for neap_bits_stretch. The
 * second removes `count` bits from position `at`; errors as for neap_bits_resize. */
int neap_bits_insert(neap_bits_t *bits, uint64_t at, uint64_t count);
int neap_bits_remove(neap_bits_t *bits, uint64_t at, uint64_t count);

/* Moves all bits by `distance` to higher (lower) positions and fills with zeros; the length does not
 * change. As a number, the array is multiplied (divided) by 2^distance. */
void neap_bits_shift_up(neap_bits_t *bits, uint64_t distance);
void neap_bits_shift_down(neap_bits_t *bits, uint64_t distance);

/* How many bits of a range are set. */
uint64_t neap_bits_count(const neap_bits_t *bits, uint64_t from, uint64_t to);

/* Finds the first (last) bit of a range that equals `value`; false if there is none. */
bool neap_bits_find(const neap_bits_t *bits, bool value, uint64_t from, uint64_t to, uint64_t *at);
bool neap_bits_find_last(const neap_bits_t *bits, bool value, uint64_t from, uint64_t to, uint64_t *at);

/* Finds the first position in a range where all of `pattern` lies. An empty pattern is found at
 * `from`. False if there is none. */
bool neap_bits_search(const neap_bits_t *bits, const neap_bits_t *pattern, uint64_t from, uint64_t to,
                      uint64_t *at);

/* --- two arrays --- */

bool neap_bits_equal(const neap_bits_t *a, const neap_bits_t *b);

enum neap_bits_operation {
    NEAP_BITS_AND = 0,
    NEAP_BITS_OR = 1,
    NEAP_BITS_XOR = 2,
    NEAP_BITS_AND_NOT = 3 /* set in the first and not in the second */
};

/* bits = bits operation other. NEAP_ERROR_ARGUMENT if their lengths differ. */
int neap_bits_combine(neap_bits_t *bits, enum neap_bits_operation operation, const neap_bits_t *other);

/* How many bits of (bits operation other) are set, without storing that result. The lengths must be
 * equal (assert). */
uint64_t neap_bits_combined_count(const neap_bits_t *bits, enum neap_bits_operation operation,
                                  const neap_bits_t *other);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
