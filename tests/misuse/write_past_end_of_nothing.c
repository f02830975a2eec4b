// dies: neap: write past the end of block 0x... (size class 16, 0 bytes asked): byte 0 overwritten
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 0);
    misused();
    block[0] = 'w';
    neap_heap_free(heap, block);
    return 0;
}
