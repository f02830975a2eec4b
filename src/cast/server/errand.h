/* cast/server/errand.h: what has to be done in every loop, one after the other.
 *
 *     home ──> loop 0: visit ──> loop 1: visit ──> … ──> home: done
 *
 * Only one loop at a time has the errand, so it may write what it carries without a lock.
 */
#ifndef CAST_SERVER_ERRAND_H
#define CAST_SERVER_ERRAND_H

struct cast_loop;

struct cast_errand {
    void (*visit)(struct cast_loop *loop, void *context);
    void (*done)(struct cast_loop *home, void *context); /* may be NULL */
    void *context;
    struct cast_loop *home;
    unsigned next;              /* loop; the number of loops: it goes home */
    struct cast_errand *behind; /* in the queue of a loop */
};

/* Sends an errand through all loops. It is copied. 0, or NEAP_ERROR_MEMORY: nothing is called then. The loop
 * `home` calls this. */
int cast_errand_send(struct cast_loop *home, const struct cast_errand *errand);

/* Runs those that wait for this loop. */
void cast_errand_take(struct cast_loop *loop);

#endif
