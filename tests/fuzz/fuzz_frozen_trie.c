/* tests/fuzz/fuzz_frozen_trie.c: no bytes of a file make a frozen trie go astray.
 *
 * An input is the head and the body of a file, without what comes before and between:
 * the checksum there would tell of nearly all damage, and forged files have it right.
 * Whatever begins as a frozen trie is read by all that reads.
 */
#include <stdlib.h>
#include <string.h>

#include <neap/frozen_trie.h>

#include "containers/frozen/frozen_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static union neap_item text_of(const uint8_t *data, size_t bytes) {
    return (union neap_item){.text = {data, bytes}};
}

static void read_all(const neap_frozen_trie_t *trie, const uint8_t *data, size_t bytes) {
    union neap_item key, value;
    const char *why;
    size_t count, steps = 0;
    neap_frozen_cursor_t *cursor = neap_frozen_cursor_new(trie, NULL);
    while (cursor && steps++ < 10000 && neap_frozen_cursor_next(cursor, &key, &value) > 0)
        ;
    neap_frozen_cursor_destroy(cursor);
    for (size_t at = 0; at + 8 <= bytes && at < 64; at += 8) {
        union neap_item item = text_of(data + at, 8);
        if (neap_frozen_trie_key_kind(trie) > NEAP_KIND_BYTES)
            memcpy(&item.u, data + at, 8);
        const struct neap_trie_range range = {
            .prefix = item,
            .first = item,
            .last = item,
            .has_prefix = neap_frozen_trie_key_kind(trie) <= NEAP_KIND_BYTES,
            .has_first = true,
        };
        neap_frozen_trie_get(trie, item, &value);
        neap_frozen_trie_range_count(trie, &range, &count);
        if (range.has_prefix)
            neap_frozen_trie_longest_prefix(trie, item, SIZE_MAX, &count, &value);
    }
    if (neap_frozen_trie_count(trie) < 10000)
        neap_frozen_trie_check(trie, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct neap__frozen_head head;
    if (bytes < sizeof(head))
        return 0;
    memcpy(&head, data, sizeof(head));
    const size_t body_bytes = bytes - sizeof(head);
    neap_frozen_trie_t *trie = neap__container_memory_new(NULL, sizeof(*trie));
    uint8_t *body =
        malloc(body_bytes == 0 ? 1 : body_bytes); /* of this very length, so that a step beyond is seen */
    if (trie && body) {
        memcpy(body, data + sizeof(head), body_bytes);
        trie->head = head;
        trie->body = body;
        trie->body_bytes = body_bytes;
        if (neap__frozen_begin(trie))
            read_all(trie, data, bytes);
        neap_frozen_trie_destroy(trie);
    }
    free(body);
    return 0;
}
