/* request_heap.c: a heap a request, ended at once with all that was in it.
 *
 *     cc request_heap.c $(pkg-config --cflags --libs neap) && ./a.out
 *
 * A server parses each request into many small blocks of its own heap and drops
 * the heap when it has answered: no block is freed one by one, none is leaked,
 * and what a large request took is back with the system when it is over.
 */
#include <stdio.h>
#include <string.h>

#include <neap/neap.h>

struct word {
    struct word *next;
    char text[];
};

/* Splits a request into words, newest first; NULL if memory is out. */
static struct word *parse(neap_heap_t *heap, const char *request) {
    struct word *words = NULL;
    while (*request != '\0') {
        size_t length = strcspn(request, " ");
        struct word *word = neap_heap_alloc(heap, sizeof(*word) + length + 1);
        if (!word)
            return NULL;
        memcpy(word->text, request, length);
        word->text[length] = '\0';
        word->next = words;
        words = word;
        request += length + (request[length] == ' ');
    }
    return words;
}

int main(void) {
    const char *requests[] = {"get the tide table", "put neap tide at noon"};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        neap_heap_t *heap = neap_heap_new(NULL);
        if (!heap)
            return 1;
        struct neap_heap_stats stats;
        struct word *last = parse(heap, requests[i]);
        neap_heap_stats(heap, &stats);
        printf("%d words, the last is %s\n", (int)stats.live_blocks, last ? last->text : "lost");
        neap_heap_destroy(heap);
    }
    return 0;
}
