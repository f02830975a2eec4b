/* containers/frozen/frozen_trie.c: opens and ends frozen tries, and looks up keys. */
#include "containers/frozen/frozen_model.h"

#include "os/file.h"

/* Reads the parts of a file that are needed to open it. */
enum { OPENED_BYTES = 16 << 10 };

/* --- life ------------------------------------------------------------------- */

static bool lies_within(uint64_t at, uint64_t bytes, uint64_t end) {
    return at <= end && bytes <= end - at;
}

bool neap__frozen_begin(neap_frozen_trie_t *trie) {
    const struct neap__frozen_head *head = &trie->head;
    const uint64_t end = trie->body_bytes;
    if (head->key < NEAP_KIND_STR || head->key > NEAP_KIND_U64 || head->value >= NEAP_KINDS ||
        head->key_bytes_max > TRIE_TEXT_BYTES_MAX || head->common_bytes > head->key_bytes_max)
        return false;
    if (head->leaf_count != head->count / FROZEN_LEAF_ENTRIES + (head->count % FROZEN_LEAF_ENTRIES != 0) ||
        head->leaf_count > end / sizeof(uint64_t) || head->slices_at % sizeof(uint64_t) != 0)
        return false;
    if (!lies_within(0, head->common_bytes, end) ||
        !lies_within(head->alphabet_at, head->alphabet_bytes, end) ||
        !lies_within(head->slices_at, head->leaf_count * sizeof(uint64_t), end) ||
        !lies_within(head->offsets_at, head->leaf_count * FROZEN_OFFSET_BYTES + FROZEN_TAIL_BYTES, end) ||
        head->leaves_bytes > UINT64_MAX - FROZEN_TAIL_BYTES ||
        !lies_within(head->leaves_at, head->leaves_bytes + FROZEN_TAIL_BYTES, end))
        return false;
    trie->value_width = (uint8_t)neap_kind_width((enum neap_kind)head->value);
    trie->value_is_text = head->value == NEAP_KIND_STR || head->value == NEAP_KIND_BYTES;
    trie->slices = (const uint64_t *)(const void *)(trie->body + head->slices_at);
    trie->offsets = trie->body + head->offsets_at;
    trie->leaves = trie->body + head->leaves_at;
    return neap__frozen_alphabet_load(&trie->alphabet, trie->body + head->alphabet_at,
                                      (size_t)head->alphabet_bytes);
}

/* Makes a trie of an open file, or closes it. */
static int begin_file(const struct neap__container_file *file, neap_frozen_trie_t **trie) {
    neap_frozen_trie_t *opened = neap__container_memory_new(NULL, sizeof(*opened));
    if (!opened)
        return NEAP_ERROR_MEMORY;
    opened->file = *file;
    memcpy(&opened->head, file->head, sizeof(opened->head));
    opened->body = file->body;
    opened->body_bytes = (size_t)file->body_bytes;
    if (!neap__frozen_begin(opened)) {
        neap__container_memory_end(opened, sizeof(*opened));
        return NEAP_ERROR_FORMAT;
    }
    *trie = opened;
    return 0;
}

int neap_frozen_trie_open(const char *path, neap_frozen_trie_t **trie) {
    struct neap__container_file file;
    int error = neap__container_file_open(path, NEAP_CONTAINER_TRIE, FROZEN_VERSION,
                                          sizeof(struct neap__frozen_head), &file);
    if (error == 0 && (error = begin_file(&file, trie)) < 0)
        neap__container_file_close(&file);
    if (error < 0)
        return error;
    (*trie)->is_mapped = true;
    neap_os_file_map_scattered(file.data, file.bytes);
    return 0;
}

int neap_frozen_trie_view(const void *data, size_t bytes, neap_frozen_trie_t **trie) {
    struct neap__container_file file;
    const int error = neap__container_file_view(data, bytes, NEAP_CONTAINER_TRIE, FROZEN_VERSION,
                                                sizeof(struct neap__frozen_head), &file);
    return error == 0 ? begin_file(&file, trie) : error;
}

void neap_frozen_trie_destroy(neap_frozen_trie_t *trie) {
    if (!trie)
        return;
    if (trie->is_mapped)
        neap__container_file_close(&trie->file);
    else if (!trie->file.data && !neap__container_memory_ends_all(&trie->memory))
        NEAP_FREE(&trie->memory, (void *)(uintptr_t)trie->body, trie->body_bytes);
    neap__container_memory_end(trie, sizeof(*trie));
}

static int write_body(struct neap__container_writer *writer, const void *context, void *head) {
    const neap_frozen_trie_t *trie = context;
    (void)head;
    const int error = neap__container_writer_write(writer, trie->body, trie->body_bytes);
    return error == 0 && frozen_is_cut(trie) ? NEAP_ERROR_FORMAT : error;
}

int neap_frozen_trie_save(const neap_frozen_trie_t *trie, const char *path) {
    struct neap__frozen_head head = trie->head;
    const int error = neap__container_file_save(path, NEAP_CONTAINER_TRIE, FROZEN_VERSION, &head,
                                                sizeof(head), write_body, trie);
    if (error == 0)
        neap_os_file_forget(path, OPENED_BYTES);
    return error;
}

enum neap_kind neap_frozen_trie_key_kind(const neap_frozen_trie_t *trie) {
    return (enum neap_kind)trie->head.key;
}

enum neap_kind neap_frozen_trie_value_kind(const neap_frozen_trie_t *trie) {
    return (enum neap_kind)trie->head.value;
}

size_t neap_frozen_trie_count(const neap_frozen_trie_t *trie) {
    return (size_t)trie->head.count;
}

size_t neap_frozen_trie_bytes(const neap_frozen_trie_t *trie) {
    return trie->body_bytes + sizeof(*trie);
}

bool neap__frozen_damage(const neap_frozen_trie_t *trie) {
    /* Several threads may read a trie at once, so this flag is set atomically. */
    __atomic_store_n((bool *)(uintptr_t)&trie->damaged, true, __ATOMIC_RELAXED);
    return false;
}

bool neap_frozen_trie_is_damaged(const neap_frozen_trie_t *trie) {
    return __atomic_load_n(&trie->damaged, __ATOMIC_RELAXED) || frozen_is_cut(trie);
}

/* --- looking up -------------------------------------------------------------- */

int neap__frozen_common(const neap_frozen_trie_t *trie, struct neap__trie_text key,
                        struct neap__trie_text *rest) {
    const struct neap__trie_text common = {trie->body, (size_t)trie->head.common_bytes};
    const size_t agreed = trie_common(key, common);
    if (agreed == common.bytes) {
        *rest = trie_text_from(key, agreed);
        return 0;
    }
    return agreed == key.bytes || key.data[agreed] < common.data[agreed] ? -1 : 1;
}

bool neap_frozen_trie_get(const neap_frozen_trie_t *trie, union neap_item key, union neap_item *value) {
    uint8_t place[TRIE_INTEGER_BYTES];
    struct neap__trie_text text;
    struct neap__frozen_leaf leaf;
    struct neap__frozen_scan scan;
    if (trie->head.count == 0 || !neap__trie_key_encode((enum neap_kind)trie->head.key, key, place, &text) ||
        neap__frozen_common(trie, text, &text) != 0)
        return false;
    if (!neap__frozen_leaf_open(trie, neap__frozen_leaf_for(trie, text), &leaf) ||
        !neap__frozen_leaf_scan(trie, &leaf, text, false, &scan))
        return neap__frozen_damage(trie);
    if (!scan.equal)
        return false;
    const union neap_item found = neap__frozen_leaf_value(trie, &leaf, scan.index);
    if (frozen_is_cut(trie))
        return false;
    if (value)
        *value = found;
    return true;
}

/* A key that the text begins with is either in the leaf for the text, or it is also a prefix of the first
 * key of that leaf. In the latter case it is searched for in an earlier leaf. */
bool neap_frozen_trie_longest_prefix(const neap_frozen_trie_t *trie, union neap_item text, size_t limit,
                                     size_t *bytes, union neap_item *value) {
    struct neap__trie_text rest = {text.text.bytes == 0 ? "" : text.text.data,
                                   text.text.bytes < limit ? text.text.bytes : limit};
    struct neap__frozen_leaf leaf;
    struct neap__frozen_scan scan;
    if (trie->head.count == 0 || (trie->head.key != NEAP_KIND_STR && trie->head.key != NEAP_KIND_BYTES) ||
        neap__frozen_common(trie, rest, &rest) != 0)
        return false;
    for (;;) {
        const uint64_t index = neap__frozen_leaf_for(trie, rest);
        if (!neap__frozen_leaf_open(trie, index, &leaf) ||
            !neap__frozen_leaf_scan(trie, &leaf, rest, true, &scan))
            return neap__frozen_damage(trie);
        if (scan.prefix >= 0)
            break;
        const size_t agreed = trie_common(leaf.first, rest);
        if (index == 0 || agreed == rest.bytes)
            return false;
        rest.bytes = agreed;
    }
    const union neap_item found = neap__frozen_leaf_value(trie, &leaf, (unsigned)scan.prefix);
    if (frozen_is_cut(trie))
        return false;
    if (bytes)
        *bytes = (size_t)trie->head.common_bytes + scan.prefix_bytes;
    if (value)
        *value = found;
    return true;
}

/* --- places ------------------------------------------------------------------ */

bool neap__frozen_rank(const neap_frozen_trie_t *trie, struct neap__trie_text key, uint64_t *rank) {
    struct neap__trie_text rest;
    struct neap__frozen_leaf leaf;
    struct neap__frozen_scan scan;
    const int side = trie->head.count == 0 ? -1 : neap__frozen_common(trie, key, &rest);
    if (frozen_is_cut(trie))
        return neap__frozen_damage(trie);
    if (side != 0) {
        *rank = side < 0 ? 0 : trie->head.count;
        return true;
    }
    const uint64_t index = neap__frozen_leaf_for(trie, rest);
    if (!neap__frozen_leaf_open(trie, index, &leaf) ||
        !neap__frozen_leaf_scan(trie, &leaf, rest, false, &scan) || frozen_is_cut(trie))
        return neap__frozen_damage(trie);
    *rank = index * FROZEN_LEAF_ENTRIES + scan.index;
    return true;
}

/* Changes `prefix` to the least text that is greater than all texts that begin with it; false if there is
 * none. Its bytes are put in `copy`. */
static bool step_over(struct neap__trie_text *prefix, uint8_t *copy) {
    while (prefix->bytes > 0 && prefix->data[prefix->bytes - 1] == UINT8_MAX)
        prefix->bytes--;
    if (prefix->bytes == 0)
        return false;
    memcpy(copy, prefix->data, prefix->bytes);
    copy[prefix->bytes - 1]++;
    prefix->data = copy;
    return true;
}

static int prefix_end(const neap_frozen_trie_t *trie, struct neap__trie_text prefix, uint64_t *end) {
    uint8_t small[256];
    struct neap__container_memory *large = NULL;
    const size_t bytes = sizeof(*large) + prefix.bytes;
    *end = trie->head.count;
    if (prefix.bytes > sizeof(small) && !(large = neap__container_memory_new(NULL, bytes)))
        return NEAP_ERROR_MEMORY;
    const bool follows = step_over(&prefix, !large ? small : (uint8_t *)(large + 1));
    const bool sound = !follows || neap__frozen_rank(trie, prefix, end);
    if (large)
        neap__container_memory_end(large, bytes);
    return sound ? 0 : NEAP_ERROR_FORMAT;
}

int neap__frozen_range(const neap_frozen_trie_t *trie, const struct neap_trie_range *range, uint64_t *first,
                       uint64_t *last) {
    const enum neap_kind kind = (enum neap_kind)trie->head.key;
    uint8_t place[TRIE_INTEGER_BYTES];
    struct neap__trie_text text;
    uint64_t rank;
    *first = 0;
    *last = trie->head.count;
    if (!range)
        return 0;
    if (range->has_first) {
        if (!neap__trie_key_encode(kind, range->first, place, &text))
            return NEAP_ERROR_ARGUMENT;
        if (!neap__frozen_rank(trie, text, first))
            return NEAP_ERROR_FORMAT;
    }
    if (range->has_last) {
        if (!neap__trie_key_encode(kind, range->last, place, &text))
            return NEAP_ERROR_ARGUMENT;
        if (!neap__frozen_rank(trie, text, last))
            return NEAP_ERROR_FORMAT;
    }
    if (range->has_prefix) {
        if (!neap__trie_has_prefixes(kind) || !neap__trie_key_encode(kind, range->prefix, place, &text))
            return NEAP_ERROR_ARGUMENT;
        if (!neap__frozen_rank(trie, text, &rank))
            return NEAP_ERROR_FORMAT;
        *first = rank > *first ? rank : *first;
        const int error = prefix_end(trie, text, &rank);
        if (error < 0)
            return error;
        *last = rank < *last ? rank : *last;
    }
    *last = *last < *first ? *first : *last;
    return 0;
}

int neap_frozen_trie_range_count(const neap_frozen_trie_t *trie, const struct neap_trie_range *range,
                                 size_t *count) {
    uint64_t first, last;
    const int error = neap__frozen_range(trie, range, &first, &last);
    if (error == 0)
        *count = (size_t)(last - first);
    return error;
}
