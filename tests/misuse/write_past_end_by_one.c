// dies: neap: write past the end of block 0x... (size class 80, 70 bytes asked): byte 70 overwritten
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 70);
    misused();
    block[70] = 'w';
    neap_heap_free(heap, block);
    return 0;
}
