// all: free of 0x...: no block in use is there, it was freed before or never handed out
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    misused();
    neap_heap_free(heap, block + (8 << 20));
    return 0;
}
