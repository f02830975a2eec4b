// all: not noticed
#include "misuse.h"

/* Everything that is allowed, in a checked heap: not a word. */
int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    misused();
    for (size_t bytes = 0; bytes < 300000; bytes += 1 + bytes / 16) {
        char *block = block_of(heap, bytes);
        block = neap_heap_realloc(heap, block, bytes / 2);
        block = neap_heap_realloc(heap, block, bytes + 1);
        memset(block, 'y', bytes + 1);
        if (neap_heap_usable_bytes(heap, block) < bytes + 1)
            return 1;
        neap_heap_free(heap, block);
        neap_heap_free(heap, NULL);
        if (bytes % 3 == 0)
            neap_heap_trim(heap);
    }
    const char *why = "";
    if (!neap_heap_check(heap, &why))
        return 1;
    neap_heap_destroy(heap);
    return 0;
}
