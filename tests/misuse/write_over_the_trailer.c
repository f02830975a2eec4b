// normal: not noticed
// hardened: not noticed
// checked: write past the end of block 0x...: its trailer is overwritten
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 96); /* 96 + 16 of red zone: the trailer follows at once */
    misused();
    block[112] = 'w';
    neap_heap_free(heap, block);
    return 0;
}
