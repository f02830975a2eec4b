// all: free of 0x...: not a block of this heap
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv) | NEAP_HEAP_SHARED);
    void *block = malloc(70);
    misused();
    neap_heap_free(heap, hidden(block));
    return 0;
}
