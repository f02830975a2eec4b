/* cast/server/errand.c: queues of errands, and the bell of each loop. */
#include "cast/server/errand.h"

#include <stdlib.h>

#include <neap/error.h>

#include "cast/server/loop.h"

static void queue(struct cast_loop *loop, struct cast_errand *errand) {
    errand->behind = NULL;
    neap_os_lock(&loop->errand_lock);
    *loop->errands_end = errand;
    loop->errands_end = &errand->behind;
    neap_os_unlock(&loop->errand_lock);
    uv_async_send(&loop->wake);
}

/* Goes on as far as this loop goes, and then to the next. */
static void step(struct cast_loop *loop, struct cast_errand *errand) {
    struct cast_server *server = loop->server;
    while (errand->next < server->loop_count && server->loops[errand->next] == loop) {
        errand->visit(loop, errand->context);
        errand->next++;
    }
    struct cast_loop *to = errand->next < server->loop_count ? server->loops[errand->next] : errand->home;
    if (to != loop || errand->next < server->loop_count) {
        queue(to, errand);
        return;
    }
    if (errand->done)
        errand->done(loop, errand->context);
    free(errand);
}

int cast_errand_send(struct cast_loop *home, const struct cast_errand *errand) {
    struct cast_errand *copy = malloc(sizeof(*copy));
    if (!copy)
        return NEAP_ERROR_MEMORY;
    *copy = *errand;
    copy->home = home;
    copy->next = 0;
    step(home, copy);
    return NEAP_OK;
}

void cast_errand_take(struct cast_loop *loop) {
    neap_os_lock(&loop->errand_lock);
    struct cast_errand *errand = loop->errands;
    loop->errands = NULL;
    loop->errands_end = &loop->errands;
    neap_os_unlock(&loop->errand_lock);
    while (errand) {
        struct cast_errand *behind = errand->behind;
        step(loop, errand);
        errand = behind;
    }
}
