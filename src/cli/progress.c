/* cli/progress.c: draws the bar. */
#include "cli/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "os/clock.h"
#include "report/terminal.h"

enum { BAR = 24, REDRAW_NS = 100000000 };

static uint64_t drawn_ns; /* time when the line was last drawn; 0 if there is none */

void cli_progress_show(double done, const char *text, uint64_t left_ns) {
    uint64_t now_ns = neap_os_now_ns();
    if (!neap_terminal_is(stderr) || (drawn_ns && now_ns - drawn_ns < REDRAW_NS))
        return;
    drawn_ns = now_ns;
    char bar[BAR + 1], left[NEAP_UNITS_ROOM] = "", line[256];
    int full = done <= 0 ? 0 : done >= 1 ? BAR : (int)(done * BAR);
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = '\0';
    if (left_ns) /* in whole seconds, because fractions would flicker */
        neap_units_ns(left, (left_ns + 999999999) / 1000000000 * 1000000000);
    snprintf(line, sizeof(line), "[%s] %s%s%s%s", bar, text, left_ns ? ", " : "", left,
             left_ns ? " left" : "");
    fprintf(stderr, "\r\033[K%.*s", (int)neap_terminal_columns(stderr) - 1, line);
    fflush(stderr);
}

void cli_progress_clear(void) {
    if (drawn_ns)
        fputs("\r\033[K", stderr);
    drawn_ns = 0;
}
