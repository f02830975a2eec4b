/* Four words in a trie: dart, dance, dancer, danger. */
#include <stdio.h>
#include <string.h>

#include <neap/trie.h>

static union neap_item text(const char *word) {
    return (union neap_item){.text = {word, strlen(word)}};
}

static void print(const neap_trie_t *trie, const char *prefix) {
    const struct neap_trie_range range = {.prefix = text(prefix), .has_prefix = true};
    neap_trie_cursor_t *cursor = neap_trie_cursor_new(trie, &range);
    union neap_item key, value;
    printf("%s*:", prefix);
    while (cursor && neap_trie_cursor_next(cursor, &key, &value) > 0)
        printf(" %.*s=%d", (int)key.text.bytes, (const char *)key.text.data, (int)value.u);
    printf("\n");
    neap_trie_cursor_destroy(cursor);
}

int main(void) {
    static const char *const words[] = {"dart", "dance", "dancer", "danger"};
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_STR, NEAP_KIND_U32, NULL);
    if (!trie)
        return 1;
    for (unsigned i = 0; i < 4; i++)
        if (neap_trie_set(trie, text(words[i]), (union neap_item){.u = i + 1}) < 0)
            return 1;
    print(trie, "da");
    print(trie, "dan");

    size_t bytes;
    if (neap_trie_longest_prefix(trie, text("dancers"), SIZE_MAX, &bytes, NULL))
        printf("dancers begins with the word of %zu letters\n", bytes);

    neap_trie_remove(trie, text("dancer"));
    neap_trie_compact(trie);
    print(trie, "da");
    neap_trie_destroy(trie);
    return 0;
}
