// dies: neap: write after free of block 0x... (run of 25 pages): byte 50000 changed
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 100000);
    neap_heap_free(heap, block);
    misused();
    block[50000] = 'w';
    neap_heap_trim(heap);
    return 0;
}
