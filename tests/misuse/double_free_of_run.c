// dies: neap: double free of block 0x... (run of 25 pages): it was freed before
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 100000);
    neap_heap_free(heap, block);
    misused();
    neap_heap_free(heap, block);
    return 0;
}
