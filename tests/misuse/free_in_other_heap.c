// dies: neap: free of 0x...: not a block of this heap
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    neap_heap_t *other = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 70);
    misused();
    neap_heap_free(other, block);
    return 0;
}
