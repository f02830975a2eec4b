// dies: neap: write past the end of block 0x... (size class 96, 96 bytes asked): byte 97 overwritten
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = neap_heap_calloc(heap, 12, 8);
    misused();
    block[97] = 'w';
    neap_heap_free(heap, block);
    return 0;
}
