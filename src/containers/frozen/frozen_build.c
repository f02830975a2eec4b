/* containers/frozen/frozen_build.c: makes a frozen trie from a trie, in three walks over its entries.
 *
 *     survey      finds the common prefix, and the length of tails, which gives the entries per leaf
 *     sample      collects tails of some leaves, from which the alphabet is learned
 *     write       writes leaf by leaf into one growing block
 */
#include "containers/frozen/frozen_model.h"
#include "containers/frozen/frozen_alphabet.h"

enum {
    SAMPLE_BYTES_MAX = 96 << 10,
    SAMPLE_SHARE_MIN = 3, /* at most one tail in SAMPLE_SHARE_MIN is used */
    GROWTH_SHARE = 8,
};

/* The entries of the next leaf, with keys without the common prefix. */
struct group {
    uint8_t *keys;
    size_t keys_bytes, keys_room;
    unsigned count;
    struct {
        size_t at, bytes;
        uint64_t number;              /* a value of fixed width */
        struct neap__trie_text value; /* a value that is a text, borrowed from the trie */
    } entry[FROZEN_LEAF_ENTRIES];
};

struct builder {
    const neap_trie_t *trie;
    neap_frozen_trie_t *frozen;
    struct group group;
    struct neap__frozen_index index;
    struct neap__frozen_sample sample;
    uint64_t tail_bytes;
    uint8_t *body; /* the body that is being written */
    size_t body_bytes, body_room;
    uint64_t pending; /* bits that are not written yet */
    unsigned pending_bits;
};

/* --- memory that grows ------------------------------------------------------- */

static bool grow(struct builder *b, uint8_t **block, size_t *room, size_t bytes) {
    struct neap__container_memory *memory = &b->frozen->memory;
    if (bytes <= *room)
        return true;
    uint8_t *larger = !*block ? NEAP_ALLOC(memory, bytes) : NEAP_REALLOC(memory, *block, *room, bytes);
    if (!larger)
        return false;
    *block = larger;
    *room = bytes;
    return true;
}

static bool grow_body(struct builder *b, size_t more) {
    const size_t bytes = b->body_bytes + more;
    return bytes <= b->body_room || grow(b, &b->body, &b->body_room, bytes + bytes / GROWTH_SHARE);
}

/* --- groups ------------------------------------------------------------------ */

static struct neap__trie_text group_key(const struct group *group, unsigned index) {
    return (struct neap__trie_text){group->keys + group->entry[index].at, group->entry[index].bytes};
}

static bool group_add(struct builder *b, struct neap__trie_text key, union neap_item value) {
    struct group *group = &b->group;
    uint8_t place[TRIE_INTEGER_BYTES];
    struct neap__trie_text stored;
    if (!grow(b, &group->keys, &group->keys_room, group->keys_bytes + key.bytes + 1))
        return false;
    if (key.bytes > 0)
        memcpy(group->keys + group->keys_bytes, key.data, key.bytes);
    group->entry[group->count].at = group->keys_bytes;
    group->entry[group->count].bytes = key.bytes;
    neap__trie_value_encode(b->trie->shape.value, value, place, &stored);
    group->entry[group->count].value = stored;
    if (!b->frozen->value_is_text)
        group->entry[group->count].number = neap__frozen_value_number(b->trie->shape.value, stored);
    group->keys_bytes += key.bytes;
    group->count++;
    return true;
}

/* How many bytes entry `index` shares with the key that it is relative to: the one before or, at a
 * restart, the first of the leaf. */
static size_t group_kept(const struct group *group, unsigned index) {
    const unsigned after = index % FROZEN_RESTART_ENTRIES == 0 ? 0 : index - 1;
    return trie_common(group_key(group, after), group_key(group, index));
}

/* Length of the common prefix of all keys of a group. */
static size_t group_base(const struct group *group) {
    return group->count < 2 ? 0 : trie_common(group_key(group, 0), group_key(group, group->count - 1));
}

/* Calls `done` for each group of entries in order; `done` returns 0 or an error. */
static int each_group(struct builder *b, int (*done)(struct builder *b, uint64_t index)) {
    const size_t common = (size_t)b->frozen->head.common_bytes;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(b->trie, NULL);
    union neap_item key, value;
    uint64_t index = 0;
    int more = !cursor ? NEAP_ERROR_MEMORY : 1;
    while (more > 0 && (more = neap_trie_cursor_next(cursor, &key, &value)) >= 0) {
        uint8_t place[TRIE_INTEGER_BYTES];
        struct neap__trie_text text = {0};
        if (more > 0) {
            neap__trie_key_encode(b->trie->key, key, place, &text);
            if (!group_add(b, trie_text_from(text, common), value))
                more = NEAP_ERROR_MEMORY;
        }
        if (b->group.count == FROZEN_LEAF_ENTRIES || (more == 0 && b->group.count > 0)) {
            const int error = more < 0 ? more : done(b, index++);
            more = error < 0 ? error : more;
            b->group.count = 0;
            b->group.keys_bytes = 0;
        }
    }
    neap_trie_cursor_destroy(cursor);
    return more;
}

/* --- survey ------------------------------------------------------------------ */

/* Adds one key. The first key lies at the start of the body, where the common prefix is; the key before
 * lies in the buffer of groups. */
static bool survey_key(struct builder *b, struct neap__trie_text key) {
    struct neap__frozen_head *head = &b->frozen->head;
    const struct neap__trie_text before = {b->group.keys, b->group.keys_bytes};
    const size_t kept = trie_common(before, key);
    if (head->count++ == 0) {
        if (!grow_body(b, key.bytes + 1))
            return false;
        memcpy(b->body, key.data, key.bytes);
        head->common_bytes = key.bytes;
    }
    head->common_bytes = trie_common((struct neap__trie_text){b->body, (size_t)head->common_bytes}, key);
    for (size_t i = kept; i < key.bytes; i++)
        b->sample.occurs[key.data[i]] = true;
    b->tail_bytes += key.bytes - kept;
    head->key_bytes_max = key.bytes > head->key_bytes_max ? key.bytes : head->key_bytes_max;
    if (!grow(b, &b->group.keys, &b->group.keys_room, key.bytes + 1))
        return false;
    memcpy(b->group.keys, key.data, key.bytes);
    b->group.keys_bytes = key.bytes;
    return true;
}

static int survey(struct builder *b) {
    struct neap__frozen_head *head = &b->frozen->head;
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(b->trie, NULL);
    union neap_item key;
    int more = !cursor ? NEAP_ERROR_MEMORY : 1;
    while (more > 0 && (more = neap_trie_cursor_next(cursor, &key, NULL)) > 0) {
        uint8_t place[TRIE_INTEGER_BYTES];
        struct neap__trie_text text;
        neap__trie_key_encode(b->trie->key, key, place, &text);
        if (!survey_key(b, text))
            more = NEAP_ERROR_MEMORY;
    }
    neap_trie_cursor_destroy(cursor);
    b->group.keys_bytes = 0;
    b->body_bytes = (size_t)head->common_bytes;
    head->leaf_count = (head->count + FROZEN_LEAF_ENTRIES - 1) / FROZEN_LEAF_ENTRIES;
    return more;
}

/* --- sample ------------------------------------------------------------------ */

static int sample_group(struct builder *b, uint64_t index) {
    struct neap__frozen_sample *sample = &b->sample;
    const struct group *group = &b->group;
    const size_t base = group_base(group);
    if (index % sample->share != 0)
        return 0;
    for (unsigned i = 1; i < group->count; i++) {
        const struct neap__trie_text key = group_key(group, i);
        const size_t kept = group_kept(group, i), tail = key.bytes - kept;
        const size_t taken = tail < FROZEN_SAMPLE_TEXT_MAX ? tail : FROZEN_SAMPLE_TEXT_MAX;
        const size_t step = kept - base;
        sample->steps[step < FROZEN_STEPS - 1 ? step : FROZEN_STEPS - 1]++;
        if (sample->bytes + taken + 1 > sample->room)
            continue;
        sample->data[sample->bytes++] = (uint8_t)taken;
        memcpy(sample->data + sample->bytes, key.data + kept, taken);
        sample->bytes += taken;
    }
    return 0;
}

static int learn(struct builder *b) {
    struct neap__container_memory *memory = &b->frozen->memory;
    struct neap__frozen_sample *sample = &b->sample;
    const uint64_t tails = b->tail_bytes + b->frozen->head.count;
    sample->room = tails / SAMPLE_SHARE_MIN < SAMPLE_BYTES_MAX ? (size_t)tails / SAMPLE_SHARE_MIN + 512
                                                               : SAMPLE_BYTES_MAX;
    sample->share = (unsigned)(tails / sample->room + 1);
    struct neap__frozen_trainer *trainer = NEAP_ALLOC(memory, sizeof(*trainer));
    sample->data = NEAP_ALLOC(memory, sample->room);
    int error = !trainer || !sample->data ? NEAP_ERROR_MEMORY : each_group(b, sample_group);
    if (error == 0) {
        neap__frozen_alphabet_learn(&b->frozen->alphabet, trainer, sample);
        neap__frozen_index_fill(&b->index, &b->frozen->alphabet);
    }
    NEAP_FREE(memory, trainer, sizeof(*trainer));
    NEAP_FREE(memory, sample->data, sample->room);
    return error;
}

/* --- write ------------------------------------------------------------------- */

static void put_bytes(struct builder *b, const void *data, size_t bytes) {
    assert(b->body_bytes + bytes <= b->body_room);
    if (bytes > 0)
        memcpy(b->body + b->body_bytes, data, bytes);
    b->body_bytes += bytes;
}

static void put_byte(struct builder *b, unsigned byte) {
    const uint8_t written = (uint8_t)byte;
    put_bytes(b, &written, 1);
}

static void put_number(struct builder *b, uint64_t number) {
    for (; number >= 0x80; number >>= 7)
        put_byte(b, (unsigned)(number & 0x7f) | 0x80);
    put_byte(b, (unsigned)number);
}

/* Writes up to 32 bits. */
static void put_bits(struct builder *b, uint64_t word, unsigned bits) {
    b->pending |= word << b->pending_bits;
    for (b->pending_bits += bits; b->pending_bits >= 8; b->pending_bits -= 8, b->pending >>= 8)
        put_byte(b, (unsigned)(b->pending & 0xff));
}

static void put_bits_end(struct builder *b) {
    if (b->pending_bits > 0)
        put_byte(b, (unsigned)b->pending);
    b->pending = 0;
    b->pending_bits = 0;
}

static void put_values(struct builder *b) {
    const struct group *group = &b->group;
    uint64_t least = UINT64_MAX, most = 0;
    if (b->frozen->value_is_text) {
        for (unsigned i = 0; i < group->count; i++)
            put_number(b, group->entry[i].value.bytes);
        for (unsigned i = 0; i < group->count; i++)
            put_bytes(b, group->entry[i].value.data, group->entry[i].value.bytes);
        return;
    }
    if (b->frozen->value_width == 0)
        return;
    for (unsigned i = 0; i < group->count; i++) {
        least = group->entry[i].number < least ? group->entry[i].number : least;
        most = group->entry[i].number > most ? group->entry[i].number : most;
    }
    const unsigned bits = most == least ? 0 : neap_word_highest(most - least) + 1;
    if (bits > 0 && bits == neap_word_highest(most) + 1) { /* the least saves nothing */
        least = 0;
        put_byte(b, bits | FROZEN_VALUES_FROM_0);
    } else {
        put_byte(b, bits);
        for (unsigned i = 0; i < b->frozen->value_width; i++)
            put_byte(b, (unsigned)(least >> (8 * i)) & 0xff);
    }
    for (unsigned i = 0; i < group->count; i++) {
        const uint64_t more = group->entry[i].number - least;
        put_bits(b, more & UINT32_MAX, bits < 32 ? bits : 32);
        if (bits > 32)
            put_bits(b, more >> 32, bits - 32);
    }
    put_bits_end(b);
}

static void put_step(struct builder *b, size_t step) {
    const struct neap__frozen_alphabet *alphabet = &b->frozen->alphabet;
    const unsigned symbol = step < FROZEN_STEPS - 1 ? (unsigned)step : FROZEN_STEPS - 1;
    put_bits(b, alphabet->step_code[symbol], alphabet->step_bits[symbol]);
    if (symbol < FROZEN_STEPS - 1)
        return;
    for (step -= symbol; step >= 0x80; step >>= 7)
        put_bits(b, (step & 0x7f) | 0x80, 8);
    put_bits(b, step, 8);
}

static void put_entry(struct builder *b, unsigned index, size_t base) {
    const size_t kept = group_kept(&b->group, index);
    struct neap__trie_text tail = trie_text_from(group_key(&b->group, index), kept);
    const struct neap__frozen_alphabet *alphabet = &b->frozen->alphabet;
    unsigned piece;
    put_step(b, kept - base);
    do {
        piece = neap__frozen_index_find(&b->index, alphabet, tail.data, tail.bytes, true);
        tail = trie_text_from(tail, frozen_piece_bytes(alphabet->piece[piece]));
        put_bits(b, alphabet->piece_code[piece], alphabet->piece_bits[piece]);
    } while (!frozen_piece_ends(alphabet->piece[piece]));
}

/* Computes where the restarts begin. Their lengths are in front of the bits, so the bits are written
 * twice; the first time only counts them. */
static void put_restarts(struct builder *b, size_t base) {
    const size_t start = b->body_bytes;
    uint64_t delta[FROZEN_RESTARTS], before = 0;
    unsigned restarts = 0;
    for (unsigned i = 1; i < b->group.count; i++) {
        if (i % FROZEN_RESTART_ENTRIES == 0) {
            const uint64_t at = (b->body_bytes - start) * UINT64_C(8) + b->pending_bits;
            delta[restarts++] = at - before;
            before = at;
        }
        put_entry(b, i, base);
    }
    b->body_bytes = start;
    b->pending = 0;
    b->pending_bits = 0;
    for (unsigned i = 0; i < restarts; i++)
        put_number(b, delta[i]);
}

/* The largest size that a group can have. */
static size_t group_bytes_max(const struct builder *b) {
    const struct group *group = &b->group;
    size_t bytes = 64 + group->keys_bytes * 2 + (size_t)group->count * 32;
    for (unsigned i = 0; i < group->count && b->frozen->value_is_text; i++)
        bytes += group->entry[i].value.bytes;
    return bytes;
}

static int write_group(struct builder *b, uint64_t index) {
    const struct neap__frozen_head *head = &b->frozen->head;
    const struct group *group = &b->group;
    const struct neap__trie_text first = group_key(group, 0);
    const size_t base = group_base(group);
    if (!grow_body(b, group_bytes_max(b)))
        return NEAP_ERROR_MEMORY;
    const uint64_t slice = frozen_slice(first), offset = b->body_bytes - head->leaves_at;
    if (offset >> (8 * FROZEN_OFFSET_BYTES) != 0)
        return NEAP_ERROR_MEMORY;
    memcpy(b->body + head->slices_at + index * sizeof(slice), &slice, sizeof(slice));
    for (unsigned i = 0; i < FROZEN_OFFSET_BYTES; i++)
        b->body[head->offsets_at + index * FROZEN_OFFSET_BYTES + i] = (uint8_t)(offset >> (8 * i));
    put_number(b, first.bytes);
    put_bytes(b, first.data, first.bytes);
    put_number(b, base);
    put_values(b);
    put_restarts(b, base);
    for (unsigned i = 1; i < group->count; i++)
        put_entry(b, i, base);
    put_bits_end(b);
    return 0;
}

static int write(struct builder *b) {
    struct neap__frozen_head *head = &b->frozen->head;
    head->alphabet_at = b->body_bytes;
    if (!grow_body(b, FROZEN_ALPHABET_BYTES_MAX))
        return NEAP_ERROR_MEMORY;
    head->alphabet_bytes = neap__frozen_alphabet_store(&b->frozen->alphabet, b->body + b->body_bytes);
    head->slices_at = neap_word_round_up(head->alphabet_at + head->alphabet_bytes, sizeof(uint64_t));
    head->offsets_at = head->slices_at + head->leaf_count * sizeof(uint64_t);
    head->leaves_at = head->offsets_at + head->leaf_count * FROZEN_OFFSET_BYTES;
    if (head->leaves_at > SIZE_MAX / 2 || !grow_body(b, (size_t)head->leaves_at - b->body_bytes))
        return NEAP_ERROR_MEMORY;
    memset(b->body + head->alphabet_at + head->alphabet_bytes, 0,
           (size_t)(head->slices_at - head->alphabet_at - head->alphabet_bytes));
    b->body_bytes = (size_t)head->leaves_at;
    const int error = each_group(b, write_group);
    if (error < 0 || !grow_body(b, FROZEN_TAIL_BYTES))
        return NEAP_ERROR_MEMORY;
    head->leaves_bytes = b->body_bytes - head->leaves_at;
    memset(b->body + b->body_bytes, 0, FROZEN_TAIL_BYTES);
    b->body_bytes += FROZEN_TAIL_BYTES;
    return 0;
}

neap_frozen_trie_t *neap_trie_freeze(const neap_trie_t *trie, const struct neap_allocator *allocator) {
    neap_frozen_trie_t *frozen = neap__container_memory_new(allocator, sizeof(*frozen));
    struct builder *b = !frozen ? NULL : NEAP_ALLOC(&frozen->memory, sizeof(*b));
    if (!b) {
        if (frozen)
            neap__container_memory_end(frozen, sizeof(*frozen));
        return NULL;
    }
    memset(b, 0, sizeof(*b));
    b->trie = trie;
    b->frozen = frozen;
    frozen->head.key = trie->key;
    frozen->head.value = trie->shape.value;
    frozen->value_is_text = trie->shape.value_is_text;
    frozen->value_width = trie->shape.value_width;
    const bool made = survey(b) == 0 && learn(b) == 0 && write(b) == 0;
    if (made) {
        uint8_t *fitting = NEAP_REALLOC(&frozen->memory, b->body, b->body_room, b->body_bytes);
        b->body = !fitting ? b->body : fitting;
        frozen->body = b->body;
        frozen->body_bytes = !fitting ? b->body_room : b->body_bytes;
    } else {
        NEAP_FREE(&frozen->memory, b->body, b->body_room);
    }
    NEAP_FREE(&frozen->memory, b->group.keys, b->group.keys_room);
    NEAP_FREE(&frozen->memory, b, sizeof(*b));
    if (made && neap__frozen_begin(frozen))
        return frozen;
    assert(!made); /* a body that was just written is valid */
    neap__container_memory_end(frozen, sizeof(*frozen));
    return NULL;
}
