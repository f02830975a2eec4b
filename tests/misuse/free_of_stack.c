// all: free of 0x...: not a block of this heap
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    int local = 0;
    misused();
    neap_heap_free(heap, hidden(&local));
    return 0;
}
