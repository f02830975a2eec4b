// dies: neap: write past the end of block 0x...: its trailer is overwritten
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 96); /* 96 + 16 of red zone: the trailer follows at once */
    misused();
    block[112] = 'w';
    neap_heap_free(heap, block);
    return 0;
}
