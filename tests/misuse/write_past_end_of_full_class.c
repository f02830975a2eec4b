// dies: neap: write past the end of block 0x... (size class 80, 80 bytes asked): byte 80 overwritten
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 80);
    misused();
    block[80] = 0;
    neap_heap_free(heap, block);
    return 0;
}
