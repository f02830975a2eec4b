// dies: neap: write after free of block 0x... (size class 1024): byte 0 changed
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 1000);
    neap_heap_free(heap, block);
    misused();
    block[0] = 'w';
    neap_heap_destroy(heap);
    return 0;
}
