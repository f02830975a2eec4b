// dies: neap: double free of block 0x... (size class 80): it was freed before
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 70);
    neap_heap_realloc(heap, block, 71);
    misused();
    neap_heap_free(heap, block);
    return 0;
}
