/* containers/frozen/frozen_leaf.c: reads the leaves of a frozen trie. */
#include "containers/frozen/frozen_model.h"

/* --- numbers ----------------------------------------------------------------- */

/* A reader of bytes. */
struct reader {
    const uint8_t *at, *end;
};

static bool read_number(struct reader *reader, uint64_t *number) {
    *number = 0;
    for (unsigned shift = 0; shift < 35 && reader->at < reader->end; shift += 7) {
        const uint8_t group = *reader->at++;
        *number |= (uint64_t)(group & 0x7f) << shift;
        if (group < 0x80)
            return true;
    }
    return false;
}

static bool read_bytes(struct reader *reader, uint64_t bytes, const uint8_t **data) {
    if (bytes > (uint64_t)(reader->end - reader->at))
        return false;
    *data = reader->at;
    reader->at += bytes;
    return true;
}

static uint64_t sign_of(enum neap_kind kind) {
    const bool is_signed = kind >= NEAP_KIND_I8 && kind <= NEAP_KIND_I64;
    return is_signed ? UINT64_C(1) << (8 * neap_kind_width(kind) - 1) : 0;
}

uint64_t neap__frozen_value_number(enum neap_kind kind, struct neap__trie_text stored) {
    uint64_t number = 0;
    for (size_t i = stored.bytes; i-- > 0;)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        number = number << 8 | stored.data[i];
#else
        number |= (uint64_t)stored.data[i] << (8 * (stored.bytes - 1 - i));
#endif
    return number ^ sign_of(kind);
}

union neap_item neap__frozen_value_item(enum neap_kind kind, uint64_t number) {
    uint8_t stored[8];
    const size_t width = neap_kind_width(kind);
    number ^= sign_of(kind);
    for (size_t i = 0; i < width; i++)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        stored[i] = (uint8_t)(number >> (8 * i));
#else
        stored[width - 1 - i] = (uint8_t)(number >> (8 * i));
#endif
    return neap__trie_value_decode(kind, (struct neap__trie_text){stored, width});
}

/* --- opening ------------------------------------------------------------------ */

/* The number in the low `bytes` at `place`, where eight bytes can be read. */
static uint64_t load_low(const uint8_t *place, unsigned bytes) {
    return frozen_load(place) & UINT64_MAX >> (64 - 8 * bytes);
}

static bool open_values(const neap_frozen_trie_t *trie, struct reader *reader,
                        struct neap__frozen_leaf *leaf) {
    if (trie->value_is_text) {
        uint64_t sum = 0, length;
        leaf->value_lengths = reader->at;
        for (unsigned i = 0; i < leaf->count; i++) {
            if (!read_number(reader, &length))
                return false;
            sum += length;
        }
        return read_bytes(reader, sum, &leaf->values);
    }
    if (trie->value_width == 0)
        return true;
    const uint8_t *least;
    if (reader->at == reader->end)
        return false;
    const unsigned first = *reader->at++;
    leaf->value_bits = first & ~(unsigned)FROZEN_VALUES_FROM_0;
    leaf->value_least = 0;
    if (leaf->value_bits > 64)
        return false;
    if ((first & FROZEN_VALUES_FROM_0) == 0) {
        if (!read_bytes(reader, trie->value_width, &least))
            return false;
        leaf->value_least = load_low(least, trie->value_width);
    }
    return read_bytes(reader, ((uint64_t)leaf->value_bits * leaf->count + 7) / 8, &leaf->values);
}

bool neap__frozen_leaf_open(const neap_frozen_trie_t *trie, uint64_t index, struct neap__frozen_leaf *leaf) {
    const struct neap__frozen_head *head = &trie->head;
    const uint8_t *place = trie->offsets + index * FROZEN_OFFSET_BYTES;
    const uint64_t start = load_low(place, FROZEN_OFFSET_BYTES);
    const uint64_t end = index + 1 < head->leaf_count
                             ? load_low(place + FROZEN_OFFSET_BYTES, FROZEN_OFFSET_BYTES)
                             : head->leaves_bytes;
    if (start > end || end > head->leaves_bytes)
        return false;
    struct reader reader = {trie->leaves + start, trie->leaves + end};
    uint64_t first_bytes, base;
    leaf->count = index + 1 < head->leaf_count ? (unsigned)FROZEN_LEAF_ENTRIES
                                               : (unsigned)(head->count - index * FROZEN_LEAF_ENTRIES);
    if (!read_number(&reader, &first_bytes) || !read_bytes(&reader, first_bytes, &leaf->first.data) ||
        !read_number(&reader, &base) || base > first_bytes || !open_values(trie, &reader, leaf))
        return false;
    leaf->first.bytes = (size_t)first_bytes;
    leaf->base = (size_t)base;
    leaf->restart[0] = 0;
    for (unsigned i = FROZEN_RESTART_ENTRIES; i < leaf->count; i += FROZEN_RESTART_ENTRIES) {
        uint64_t *restart = &leaf->restart[i / FROZEN_RESTART_ENTRIES];
        if (!read_number(&reader, restart))
            return false;
        *restart += restart[-1];
    }
    leaf->bits = (struct neap__frozen_bits){reader.at, 0, (uint64_t)(reader.end - reader.at) * 8};
    return true;
}

union neap_item neap__frozen_leaf_value(const neap_frozen_trie_t *trie, const struct neap__frozen_leaf *leaf,
                                        unsigned index) {
    const enum neap_kind kind = (enum neap_kind)trie->head.value;
    if (trie->value_is_text) {
        struct reader reader = {leaf->value_lengths, leaf->values};
        uint64_t length = 0, at = 0;
        for (unsigned i = 0; i <= index; i++) {
            at += length;
            if (!read_number(&reader, &length))
                break;
        }
        return (union neap_item){.text = {leaf->values + at, (size_t)length}};
    }
    if (trie->value_width == 0)
        return (union neap_item){.u = 0};
    const uint64_t bit = (uint64_t)leaf->value_bits * index;
    const uint8_t *place = leaf->values + bit / 8;
    uint64_t more = frozen_load(place) >> (bit % 8);
    if (leaf->value_bits + bit % 8 > 64)
        more |= (uint64_t)place[8] << (64 - bit % 8);
    if (leaf->value_bits < 64)
        more &= (UINT64_C(1) << leaf->value_bits) - 1;
    const uint64_t number = leaf->value_least + more;
    if (kind == NEAP_KIND_U32) /* by far the most common */
        return (union neap_item){.u = (uint32_t)number};
    return neap__frozen_value_item(kind, number);
}

/* --- scanning ------------------------------------------------------------------ */

/* The result of comparing the tail of an entry with a key. */
enum order { SMALLER, EQUAL, GREATER, DAMAGED };

/* Compares a tail with the key from *agreed on. Reads it to its end only if it is not greater. */
static enum order compare_tail(const neap_frozen_trie_t *trie, struct neap__frozen_bits *bits,
                               struct neap__trie_text key, size_t *agreed) {
    frozen_piece_t piece;
    do {
        if (!frozen_bits_piece(bits, &trie->alphabet, &piece))
            return DAMAGED;
        frozen_piece_t text = piece;
        for (unsigned left = frozen_piece_bytes(piece); left > 0; left--, text >>= 8) {
            if (*agreed == key.bytes)
                return GREATER;
            const uint8_t byte = (uint8_t)text;
            if (byte != key.data[*agreed]) {
                if (byte > key.data[*agreed])
                    return GREATER;
                return frozen_piece_ends(piece) || frozen_bits_skip(bits, &trie->alphabet) ? SMALLER
                                                                                           : DAMAGED;
            }
            ++*agreed;
        }
    } while (!frozen_piece_ends(piece));
    return EQUAL;
}

/* Compares the next entry with a key. The key must be greater than the entry to which this one is relative,
 * and share *agreed bytes with that entry. */
static enum order compare_entry(const neap_frozen_trie_t *trie, struct neap__frozen_bits *bits, size_t base,
                                struct neap__trie_text key, size_t *agreed) {
    size_t keeps;
    if (!frozen_bits_step(bits, &trie->alphabet, &keeps))
        return DAMAGED;
    keeps += base;
    if (keeps == *agreed)
        return compare_tail(trie, bits, key, agreed);
    if (keeps < *agreed) /* differs from the entry before earlier than the key does */
        return GREATER;
    /* continues as the entry before, which is less */
    return frozen_bits_skip(bits, &trie->alphabet) ? SMALLER : DAMAGED;
}

/* Finds the last restart that is not greater, by bisection: its number, and where its entry ends. 0: none. */
static unsigned last_restart(const neap_frozen_trie_t *trie, const struct neap__frozen_leaf *leaf,
                             struct neap__trie_text key, size_t *agreed, struct neap__frozen_bits *bits,
                             enum order *order) {
    const size_t agreed_first = *agreed;
    unsigned low = 0, high = (leaf->count - 1) / FROZEN_RESTART_ENTRIES;
    while (low < high) {
        const unsigned middle = (low + high + 1) / 2;
        struct neap__frozen_bits here = leaf->bits;
        size_t agreed_here = agreed_first;
        here.at = leaf->restart[middle];
        const enum order found = compare_entry(trie, &here, leaf->base, key, &agreed_here);
        if (found == GREATER) {
            high = middle - 1;
            continue;
        }
        low = middle;
        *agreed = agreed_here;
        *bits = here;
        *order = found;
        if (found == DAMAGED)
            break;
    }
    return low;
}

static void note_prefix(struct neap__frozen_scan *scan, size_t agreed, size_t key_bytes) {
    scan->prefix = (int)scan->index;
    scan->prefix_bytes = agreed;
    scan->equal = agreed == key_bytes;
}

bool neap__frozen_leaf_scan(const neap_frozen_trie_t *trie, struct neap__frozen_leaf *leaf,
                            struct neap__trie_text key, bool with_prefix, struct neap__frozen_scan *scan) {
    const size_t agreed_first = trie_common(leaf->first, key);
    size_t agreed = agreed_first;
    unsigned end = leaf->count;
    enum order order = agreed == leaf->first.bytes ? EQUAL : SMALLER;
    *scan = (struct neap__frozen_scan){0, false, -1, 0};
    if (order == EQUAL)
        note_prefix(scan, agreed, key.bytes);
    else if (agreed == key.bytes || leaf->first.data[agreed] > key.data[agreed])
        return true;
    if (!with_prefix) {
        const unsigned restart = last_restart(trie, leaf, key, &agreed, &leaf->bits, &order);
        scan->index = restart * FROZEN_RESTART_ENTRIES;
        if (scan->index + FROZEN_RESTART_ENTRIES < end)
            end = scan->index + FROZEN_RESTART_ENTRIES; /* the next restart is greater */
        if (restart > 0 && order == EQUAL)
            note_prefix(scan, agreed, key.bytes);
    }
    while (!scan->equal && ++scan->index < end) {
        if (order == DAMAGED)
            return false;
        if (scan->index % FROZEN_RESTART_ENTRIES == 0)
            agreed = agreed_first;
        order = compare_entry(trie, &leaf->bits, leaf->base, key, &agreed);
        if (order == EQUAL)
            note_prefix(scan, agreed, key.bytes);
        else if (order == GREATER)
            break;
    }
    return order != DAMAGED;
}

/* --- finding the leaf ----------------------------------------------------------- */

/* Whether the first key of a leaf is not greater than a key. */
static bool begins_before(const neap_frozen_trie_t *trie, uint64_t index, struct neap__trie_text key) {
    struct neap__frozen_leaf leaf;
    if (!neap__frozen_leaf_open(trie, index, &leaf))
        return false;
    const size_t common = trie_common(leaf.first, key);
    return common == leaf.first.bytes || (common < key.bytes && leaf.first.data[common] < key.data[common]);
}

/* The last leaf of [low, low + count) whose slice is at most `slice`; low if there is none. */
static uint64_t last_slice(const uint64_t *slices, uint64_t low, uint64_t count, uint64_t slice) {
    const uint64_t *at = slices + low;
    while (count > 1) {
        const uint64_t half = count / 2;
        at = at[half] <= slice ? at + half : at;
        count -= half;
    }
    return (uint64_t)(at - slices);
}

uint64_t neap__frozen_leaf_for(const neap_frozen_trie_t *trie, struct neap__trie_text key) {
    const uint64_t slice = frozen_slice(key);
    uint64_t high = last_slice(trie->slices, 0, trie->head.leaf_count, slice);
    if (NEAP_LIKELY(trie->slices[high] != slice))
        return high;
    /* Leaves with the same slice as the key are compared by their first keys; the result may also be the leaf
     * before them. */
    uint64_t low = slice == 0 ? 0 : last_slice(trie->slices, 0, high + 1, slice - 1);
    while (low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        if (begins_before(trie, middle, key))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
