/* Plants an anchor in a file that is called like Neap's library, and puts a pipe in the file's place as soon
 * as somebody asks for a trim: whoever opens it by its name waits for ever.
 *
 *     false_anchor FOLDER      prints "ready"; ends after a minute or with its standard input
 */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "planted_anchor.h"

int main(int argc, char **argv) {
    char path[4096];
    if (argc != 2 || snprintf(path, sizeof(path), "%s/libneap-preload.so", argv[1]) >= (int)sizeof(path))
        return 2;
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || ftruncate(file, 4096) != 0)
        return 1;
    struct neap_layout_anchor *anchor = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (anchor == MAP_FAILED)
        return 1;
    anchor_plant(anchor);
    puts("ready");
    fflush(stdout);
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    bool is_laid = false; /* once: there is a moment without a file each time */
    for (int left_ms = 60000; left_ms > 0 && poll(&input, 1, 1) == 0; left_ms--) {
        if (is_laid || __atomic_load_n(&anchor->trim_asked, __ATOMIC_RELAXED) == 0 || unlink(path) != 0)
            continue;
        if (mkfifo(path, 0600) != 0)
            return 1;
        is_laid = true;
    }
    return 0;
}
