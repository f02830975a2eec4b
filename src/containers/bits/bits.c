/* containers/bits/bits.c: makes and ends bit arrays, and changes their length and room. */
#include <neap/bits.h>

#include <string.h>

#include "containers/bits/bits_file.h"
#include "containers/bits/bits_memory.h"
#include "containers/bits/bits_words.h"

enum { ROOM_SHARE = 8, ROOM_WORDS = 2 }; /* spare room of an array that grows step by step */

static bool in_memory(const neap_bits_t *bits) {
    return bits->state == NEAP_BITS_IN_MEMORY;
}

/* Makes an array. Unless `zeroed`, the contents of its block are undefined. */
static int make(neap_bits_t *bits, const struct neap_allocator *allocator, uint64_t count, bool zeroed) {
    uint64_t words = count <= WORD_BITS ? 0 : words_for(count);
    neap_bits_t fresh = {
        .count = count, .room_words = words, .from.allocator = allocator ? allocator : neap__bits_memory()};
    if (words > SIZE_MAX / WORD_BYTES / 2)
        return NEAP_ERROR_MEMORY;
    if (words != 0) {
        size_t bytes = (size_t)words * WORD_BYTES;
        allocator = fresh.from.allocator;
        fresh.in.words =
            zeroed ? neap__bits_memory_zeroed(allocator, bytes) : allocator->alloc(allocator->context, bytes);
        if (!fresh.in.words)
            return NEAP_ERROR_MEMORY;
    }
    *bits = fresh;
    return NEAP_OK;
}

int neap_bits_init(neap_bits_t *bits, const struct neap_allocator *allocator, uint64_t count) {
    return make(bits, allocator, count, true);
}

int neap_bits_init_copy(neap_bits_t *bits, const struct neap_allocator *allocator, const neap_bits_t *source,
                        uint64_t from, uint64_t to) {
    assert(from <= to && to <= source->count);
    neap_bits_t fresh;
    int error = make(&fresh, allocator, to - from, false);
    if (error != NEAP_OK)
        return error;
    neap_bits_copy(&fresh, 0, source, from, to - from);
    clear_tail(&fresh);
    *bits = fresh;
    return NEAP_OK;
}

void neap_bits_end(neap_bits_t *bits) {
    const struct neap_allocator *allocator = in_memory(bits) ? bits->from.allocator : neap__bits_memory();
    if (!in_memory(bits))
        neap__bits_file_close(bits);
    else if (bits->room_words != 0)
        allocator->free(allocator->context, bits->in.words, (size_t)neap_bits_block_bytes(bits));
    *bits = (neap_bits_t){.from.allocator = allocator, .user = bits->user};
}

/* --- room --- */

/* Moves the word in the struct to a block of `room` words. */
static int move_out(neap_bits_t *bits, uint64_t room) {
    const struct neap_allocator *allocator = bits->from.allocator;
    uint64_t *words = neap__bits_memory_zeroed(allocator, (size_t)room * WORD_BYTES);
    if (!words)
        return NEAP_ERROR_MEMORY;
    words[0] = bits->in.word;
    bits->in.words = words;
    bits->room_words = room;
    return NEAP_OK;
}

static void move_in(neap_bits_t *bits) {
    const struct neap_allocator *allocator = bits->from.allocator;
    uint64_t word = bits->in.words[0];
    allocator->free(allocator->context, bits->in.words, (size_t)neap_bits_block_bytes(bits));
    bits->in.word = word;
    bits->room_words = 0;
}

/* Sets the room to `room` words. The contents beyond the old room are undefined. */
static int set_room(neap_bits_t *bits, uint64_t room) {
    const struct neap_allocator *allocator = bits->from.allocator;
    if (room > SIZE_MAX / WORD_BYTES / 2)
        return NEAP_ERROR_MEMORY;
    if (room <= 1) {
        if (bits->room_words != 0)
            move_in(bits);
        return NEAP_OK;
    }
    if (bits->room_words == 0)
        return move_out(bits, room);
    uint64_t *words = allocator->realloc(allocator->context, bits->in.words,
                                         (size_t)neap_bits_block_bytes(bits), (size_t)room * WORD_BYTES);
    if (words) {
        bits->in.words = words;
        bits->room_words = room;
        return NEAP_OK;
    }
    return room < bits->room_words ? NEAP_OK
                                   : NEAP_ERROR_MEMORY; /* a block that cannot shrink stays as it is */
}

/* Sets the length, for which there must be room. */
static void set_count(neap_bits_t *bits, uint64_t count) {
    if (count > bits->count) {
        uint64_t old = words_for(bits->count);
        clear_tail(bits);
        memset(words_of(bits) + old, 0, (size_t)(words_for(count) - old) * WORD_BYTES);
    }
    bits->count = count;
    clear_tail(bits);
}

/* A file is made as long as the caller says, whatever it was. */
static int resize_file(neap_bits_t *bits, uint64_t count) {
    int error = neap__bits_file_begin(bits);
    return error != NEAP_OK ? error : neap__bits_file_end(bits, neap__bits_file_resize(bits, count));
}

int neap_bits_resize(neap_bits_t *bits, uint64_t count) {
    if (!in_memory(bits))
        return resize_file(bits, count);
    uint64_t words = words_for(count);
    bool grows = count > bits->count;
    if (!grows)
        set_count(bits, count);
    if (words != bits->room_words) {
        int error = set_room(bits, words);
        if (error != NEAP_OK)
            return error;
    }
    if (grows)
        set_count(bits, count);
    return NEAP_OK;
}

int neap_bits_stretch(neap_bits_t *bits, uint64_t count) {
    if (!in_memory(bits))
        return resize_file(bits, count);
    uint64_t words = words_for(count), inside = bits->room_words ? bits->room_words : 1;
    if (words > inside) {
        int error = set_room(bits, words + words / ROOM_SHARE + ROOM_WORDS);
        if (error != NEAP_OK)
            error = set_room(bits, words);
        if (error != NEAP_OK)
            return error;
    }
    if (words < inside / 2) {
        set_count(bits, count);
        return set_room(bits, words);
    }
    set_count(bits, count);
    return NEAP_OK;
}

/* Appends to the end that the file has now: another process may have appended before. */
static int append_to_file(neap_bits_t *bits, bool value) {
    int error = neap__bits_file_begin(bits);
    if (error != NEAP_OK)
        return error;
    uint64_t at = bits->count;
    error = neap__bits_file_resize(bits, at + 1);
    if (error == NEAP_OK)
        neap_bits_set(bits, at, value);
    return neap__bits_file_end(bits, error);
}

int neap_bits_append(neap_bits_t *bits, bool value) {
    uint64_t at = bits->count, room = bits->room_words != 0 ? bits->room_words : 1;
    if (!in_memory(bits))
        return append_to_file(bits, value);
    if (at / WORD_BITS < room) {
        if (at % WORD_BITS == 0)
            words_of(bits)[at / WORD_BITS] = 0;
        bits->count = at + 1;
    } else {
        int error = neap_bits_stretch(bits, at + 1);
        if (error != NEAP_OK)
            return error;
    }
    neap_bits_set(bits, at, value);
    return NEAP_OK;
}

void neap_bits_clear_rest(neap_bits_t *bits) {
    clear_tail(bits);
}

uint64_t neap_bits_trim(neap_bits_t *bits) {
    if (!in_memory(bits))
        return 0;
    const struct neap_allocator *allocator = bits->from.allocator;
    uint64_t before = neap_bits_block_bytes(bits), bytes = 0;
    if (words_for(bits->count) != bits->room_words)
        set_room(bits, words_for(bits->count));
    if (bits->room_words != 0 && allocator == neap__bits_memory())
        bytes = neap__bits_memory_drop_zeros(bits->in.words, (size_t)neap_bits_block_bytes(bits));
    if (allocator->trim)
        allocator->trim(allocator->context);
    return bytes + before - neap_bits_block_bytes(bits);
}

static int insert(neap_bits_t *bits, uint64_t at, uint64_t count) {
    uint64_t old = bits->count;
    if (count > UINT64_MAX - WORD_BITS - old)
        return NEAP_ERROR_MEMORY;
    int error =
        in_memory(bits) ? neap_bits_stretch(bits, old + count) : neap__bits_file_resize(bits, old + count);
    if (error != NEAP_OK)
        return error;
    neap_bits_copy(bits, at + count, bits, at, old - at);
    neap_bits_fill(bits, at, at + count, false);
    return NEAP_OK;
}

int neap_bits_insert(neap_bits_t *bits, uint64_t at, uint64_t count) {
    if (in_memory(bits))
        return insert(bits, at, count);
    int error = neap__bits_file_begin(bits);
    return error != NEAP_OK ? error : neap__bits_file_end(bits, insert(bits, at, count));
}

static int remove_(neap_bits_t *bits, uint64_t at, uint64_t count) {
    uint64_t rest = bits->count - at - count;
    if (!neap_bits_resizes(bits))
        return NEAP_ERROR_PERMISSION;
    neap_bits_copy(bits, at, bits, at + count, rest);
    return in_memory(bits) ? neap_bits_resize(bits, at + rest) : neap__bits_file_resize(bits, at + rest);
}

int neap_bits_remove(neap_bits_t *bits, uint64_t at, uint64_t count) {
    if (in_memory(bits))
        return remove_(bits, at, count);
    int error = neap__bits_file_begin(bits);
    return error != NEAP_OK ? error : neap__bits_file_end(bits, remove_(bits, at, count));
}

bool neap_bits_check(const neap_bits_t *bits, const char **why) {
    uint64_t room = bits->room_words != 0 || !in_memory(bits) ? bits->room_words : 1;
    unsigned used = bits->count % WORD_BITS;
    *why = NULL;
    if (bits->state > NEAP_BITS_IN_FILE_TO_READ)
        *why = "an unknown state";
    else if (words_for(bits->count) > room)
        *why = "more bits than there is room for";
    else if (in_memory(bits) && (!bits->from.allocator || bits->room_words == 1))
        *why = "a block that is not needed, or no allocator";
    else if (!in_memory(bits) && !neap__bits_file_check(bits))
        *why = "array and file are not of one length";
    else if (used != 0 && in_memory(bits) &&
             turned(words_of(bits)[bits->count / WORD_BITS]) & ~low_ones(used))
        *why = "bits beyond the end are set";
    else if (used % 8 != 0 && neap_bits_data(bits)[bits->count / 8] & ~low_ones(used % 8))
        *why = "bits of the last byte beyond the end are set";
    return !*why;
}
