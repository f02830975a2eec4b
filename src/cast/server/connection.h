/* cast/server/connection.h: a connection until it becomes a listener, and those that never do.
 *
 *     HEAD ──request──> route ─┬─> REPLY ──sent──> DRAIN ──peer closes, or a second──> closed
 *      │ too slow: 408         ├─> SOURCE ──ends──> closed
 *      └ malformed: 400 …      ├─> AWAY: an errand gathers the answer ──> REPLY
 *                              └─> a listener: the socket goes to the fan-out, the connection ends
 *
 * Every connection serves one request. After an answer, what the peer still sends is read and dropped for a
 * moment: a socket that is closed with unread bytes resets the connection, and the answer might be lost.
 *
 * One thread, that of the loop.
 */
#ifndef CAST_SERVER_CONNECTION_H
#define CAST_SERVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/format/answer.h"
#include "cast/format/request.h"
#include "cast/server/source.h"
#include "os/address.h"

struct cast_loop;

enum cast_connection_state {
    CAST_CONNECTION_HEAD,
    CAST_CONNECTION_REPLY,
    CAST_CONNECTION_SOURCE,
    CAST_CONNECTION_AWAY,
    CAST_CONNECTION_DRAIN,
    CAST_CONNECTION_CLOSED, /* freed when the callback of the loop ends; nothing may be done with it any more
                             */
};

struct cast_connection {
    struct cast_loop *loop;
    struct cast_connection *before, *behind;
    enum cast_connection_state state;
    int socket; /* -1: given to the fan-out */
    struct neap_os_address peer;
    uint64_t since_ms, deadline_ms; /* 0: no deadline */
    char *bytes;                    /* of the head, as far as it came */
    size_t count, room, searched;
    char *answer; /* what is left of the answer */
    size_t answer_bytes, answer_sent;
    struct cast_source *source;
    bool owes_answer; /* to a source that was only told to go on: the answer comes when its body has ended */
    /* For the access log. */
    char *method_and_path; /* "GET /x" */
    char *agent, *referrer, *user;
    int status;
    unsigned minor;
};

/* Takes over an accepted socket. */
void cast_connection_new(struct cast_loop *loop, int socket, const struct neap_os_address *peer);

/* Sends an answer with a body and then closes. Both are copied; `body` may be NULL. */
void cast_connection_answer(struct cast_connection *connection, const struct cast_answer *head,
                            const char *body, size_t body_bytes);

/* Answers with a status and one line of plain text for the user. */
void cast_connection_say(struct cast_connection *connection, int status, const char *line);

/* Waits for an errand; the connection is not closed meanwhile. */
void cast_connection_wait(struct cast_connection *connection);

/* Takes the socket out, for the fan-out, and ends the connection without a line in the log. */
int cast_connection_give_socket(struct cast_connection *connection);

/* Reads are told to the source from now on. */
void cast_connection_become_source(struct cast_connection *connection, struct cast_source *source);

/* What came of reading a source: goes on, answers, or closes. */
void cast_connection_take_outcome(struct cast_connection *connection, enum cast_source_outcome outcome);

/* Closes at once. The answer, if there is one, goes as far as it has gone. */
void cast_connection_close(struct cast_connection *connection);

/* Closes the one that has waited longest for its request, because there are too many such. */
void cast_connection_drop_oldest_head(struct cast_loop *loop);

/* Serves connections that something happened to. */
void cast_connection_take_events(struct cast_loop *loop);

/* Frees those that were closed. No callback of one of them may be under way. */
void cast_connection_free_closed(struct cast_loop *loop);

/* Called each second: what is past its deadline ends. */
void cast_connection_sweep(struct cast_loop *loop);

#endif
