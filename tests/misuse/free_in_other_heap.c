// all: free of 0x...: not a block of this heap
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    neap_heap_t *other = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    misused();
    neap_heap_free(other, block);
    return 0;
}
