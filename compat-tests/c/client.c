/*
 * Drives a server through Debian's libzookeeper-mt: all calls of the synchronous and the asynchronous API that a single
 * server can answer.
 *
 *   client HOST:PORT          runs all tests; prints "ok - NAME" or "not ok - NAME" for each
 *   client HOST:PORT leave    opens a session with an ephemeral znode, prints its id and password, dies without closing it
 *
 * A line "@restart" asks whoever started us to restart the server and to answer with an empty line.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

enum { WAIT_S = 20, SESSION_TIMEOUT_MS = 8000, SHORT_TIMEOUT_MS = 1000 };

/* ---- the harness ---- */

static int failures_in_test;
static int failures;

#define CHECK(condition) check((condition) != 0, #condition, __LINE__)
#define CHECK_RC(expected, call) check_rc((expected), (call), #call, __LINE__)
#define CHECK_TEXT(expected, actual) check_text((expected), (actual), #actual, __LINE__)

static void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("  # ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    failures_in_test++;
}

static int check(int holds, const char *text, int line) {
    if (!holds) complain("line %d: %s does not hold", line, text);
    return holds;
}

static int check_rc(int expected, int actual, const char *text, int line) {
    if (expected != actual)
        complain("line %d: %s gives %d (%s), not %d (%s)", line, text, actual, zerror(actual), expected, zerror(expected));
    return expected == actual;
}

static void check_text(const char *expected, const char *actual, const char *text, int line) {
    if (actual == NULL || strcmp(expected, actual) != 0)
        complain("line %d: %s is \"%s\", not \"%s\"", line, text, actual == NULL ? "(null)" : actual, expected);
}

static void run(const char *name, void (*body)(void)) {
    failures_in_test = 0;
    body();
    printf("%s - %s\n", failures_in_test == 0 ? "ok" : "not ok", name);
    fflush(stdout);
    failures += failures_in_test > 0;
}

/* ---- waiting for callbacks ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* What a watcher saw, newest last; and the states of its session. */
typedef struct {
    int count;
    int types[64];
    char paths[64][128];
    int is_connected;
    int disconnects;
    int is_expired;
    int is_auth_failed;
} events_t;

static void watcher(zhandle_t *zh, int type, int state, const char *path, void *context) {
    events_t *events = context;
    (void)zh;
    pthread_mutex_lock(&mutex);
    if (type == ZOO_SESSION_EVENT) {
        if (events->is_connected && state != ZOO_CONNECTED_STATE) events->disconnects++;
        events->is_connected = state == ZOO_CONNECTED_STATE;
        events->is_expired |= state == ZOO_EXPIRED_SESSION_STATE;
        events->is_auth_failed |= state == ZOO_AUTH_FAILED_STATE;
    } else if (events->count < 64) {
        events->types[events->count] = type;
        snprintf(events->paths[events->count], sizeof events->paths[0], "%s", path);
        events->count++;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

/* Waits until *value reaches at least `least`; false if that takes too long. */
static int await(const int *value, int least) {
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += WAIT_S;
    pthread_mutex_lock(&mutex);
    while (*value < least && pthread_cond_timedwait(&changed, &mutex, &deadline) == 0) {}
    int reached = *value >= least;
    pthread_mutex_unlock(&mutex);
    return reached;
}

static int saw(events_t *events, int index, int type, const char *path) {
    return await(&events->count, index + 1) && events->types[index] == type && strcmp(events->paths[index], path) == 0;
}

/* The answer to one asynchronous call, with everything that its completion may carry. */
typedef struct {
    int done;
    int rc;
    char text[256];
    int text_length;
    struct Stat stat;
    int count;
    char names[16][64];
    int permissions;
} answer_t;

static void finish(answer_t *answer, int rc) {
    pthread_mutex_lock(&mutex);
    answer->rc = rc;
    answer->done++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void keep_stat(answer_t *answer, const struct Stat *stat) {
    if (stat != NULL) answer->stat = *stat;
}

static void keep_names(answer_t *answer, const struct String_vector *names) {
    answer->count = names == NULL ? -1 : names->count;
    for (int i = 0; i < answer->count && i < 16; i++) snprintf(answer->names[i], 64, "%s", names->data[i]);
}

static void on_void(int rc, const void *data) {
    finish((answer_t *)data, rc);
}

static void on_stat(int rc, const struct Stat *stat, const void *data) {
    keep_stat((answer_t *)data, stat);
    finish((answer_t *)data, rc);
}

static void on_data(int rc, const char *value, int length, const struct Stat *stat, const void *data) {
    answer_t *answer = (answer_t *)data;
    if (length > 0) snprintf(answer->text, sizeof answer->text, "%.*s", length, value);
    answer->text_length = length;
    keep_stat(answer, stat);
    finish(answer, rc);
}

static void on_string(int rc, const char *value, const void *data) {
    answer_t *answer = (answer_t *)data;
    if (value != NULL) snprintf(answer->text, sizeof answer->text, "%s", value);
    finish(answer, rc);
}

static void on_string_stat(int rc, const char *value, const struct Stat *stat, const void *data) {
    keep_stat((answer_t *)data, stat);
    on_string(rc, value, data);
}

static void on_strings(int rc, const struct String_vector *names, const void *data) {
    keep_names((answer_t *)data, names);
    finish((answer_t *)data, rc);
}

static void on_strings_stat(int rc, const struct String_vector *names, const struct Stat *stat, const void *data) {
    keep_stat((answer_t *)data, stat);
    on_strings(rc, names, data);
}

static void on_acl(int rc, struct ACL_vector *acl, struct Stat *stat, const void *data) {
    answer_t *answer = (answer_t *)data;
    if (acl != NULL && acl->count > 0) {
        answer->count = acl->count;
        answer->permissions = acl->data[0].perms;
        snprintf(answer->text, sizeof answer->text, "%s:%s", acl->data[0].id.scheme, acl->data[0].id.id);
    }
    keep_stat(answer, stat);
    finish(answer, rc);
}

/* Waits for the answer and returns its code; -1000 if none came. */
static int answered(answer_t *answer) {
    return await(&answer->done, 1) ? answer->rc : -1000;
}

/* ---- sessions ---- */

static const char *address;
static const char *program;
static zhandle_t *zh;
static events_t main_events;

static zhandle_t *open_session(const char *host, events_t *events, int timeout_ms, const clientid_t *id) {
    memset(events, 0, sizeof *events);
    return zookeeper_init(host, watcher, timeout_ms, id, events, 0);
}

static zhandle_t *open_connected(events_t *events, int timeout_ms) {
    zhandle_t *opened = open_session(address, events, timeout_ms, NULL);
    CHECK(await(&events->is_connected, 1));
    return opened;
}

static int create(const char *path, const char *value, int mode) {
    return zoo_create(zh, path, value, value == NULL ? -1 : (int)strlen(value), &ZOO_OPEN_ACL_UNSAFE, mode, NULL, 0);
}

static void ask_for_restart(void) {
    char line[16];
    printf("@restart\n");
    fflush(stdout);
    CHECK(fgets(line, sizeof line, stdin) != NULL);
}

static void leave(void) {
    events_t events;
    zh = open_connected(&events, SHORT_TIMEOUT_MS * 4);
    create("/left-behind", "x", ZOO_EPHEMERAL);
    const clientid_t *id = zoo_client_id(zh);
    printf("%lld ", (long long)id->client_id);
    for (int i = 0; i < 16; i++) printf("%02x", (unsigned char)id->passwd[i]);
    printf("\n");
    fflush(stdout);
    _exit(0);
}

static int take_over(clientid_t *id) {
    char command[512], password[40] = "";
    long long number = 0;
    snprintf(command, sizeof command, "'%s' %s leave", program, address);
    FILE *pipe = popen(command, "r");
    int fields = pipe == NULL ? 0 : fscanf(pipe, "%lld %32s", &number, password);
    if (pipe != NULL) pclose(pipe);
    id->client_id = number;
    for (int i = 0; i < 16; i++) {
        unsigned byte = 0;
        sscanf(password + 2 * i, "%2x", &byte);
        id->passwd[i] = (char)byte;
    }
    return fields == 2;
}

/* ---- the tests ---- */

static void test_session(void) {
    events_t events;
    zhandle_t *session = open_connected(&events, SESSION_TIMEOUT_MS);
    CHECK(zoo_state(session) == ZOO_CONNECTED_STATE);
    CHECK(zoo_recv_timeout(session) == SESSION_TIMEOUT_MS);
    CHECK(zoo_client_id(session)->client_id != 0);
    CHECK(!is_unrecoverable(session));
    CHECK_TEXT(address, zoo_get_current_server(session));
    CHECK_RC(ZOK, zookeeper_close(session));
    session = open_connected(&events, 300);
    CHECK(zoo_recv_timeout(session) == SHORT_TIMEOUT_MS);
    CHECK_RC(ZOK, zookeeper_close(session));
    session = open_connected(&events, 100000000);
    CHECK(zoo_recv_timeout(session) == 10 * SHORT_TIMEOUT_MS);
    CHECK_RC(ZOK, zookeeper_close(session));
}

static void test_create_modes(void) {
    char path[128];
    struct Stat stat;
    CHECK_RC(ZOK, create("/c", "root", ZOO_PERSISTENT));
    CHECK_RC(ZNODEEXISTS, create("/c", "root", ZOO_PERSISTENT));
    CHECK_RC(ZNONODE, create("/missing/child", NULL, ZOO_PERSISTENT));
    CHECK_RC(ZOK, create("/c/ephemeral", NULL, ZOO_EPHEMERAL));
    CHECK_RC(ZNOCHILDRENFOREPHEMERALS, create("/c/ephemeral/child", NULL, ZOO_PERSISTENT));
    CHECK_RC(ZOK, zoo_exists(zh, "/c/ephemeral", 0, &stat));
    CHECK(stat.ephemeralOwner == zoo_client_id(zh)->client_id);
    CHECK_RC(ZOK, zoo_create(zh, "/c/s-", "1", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, path, sizeof path));
    CHECK_TEXT("/c/s-0000000001", path);
    CHECK_RC(ZOK, zoo_create(zh, "/c/", "1", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, path, sizeof path));
    CHECK_TEXT("/c/0000000002", path);
    CHECK_RC(ZOK, zoo_create2(zh, "/c/two", "12", 2, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path, &stat));
    CHECK_TEXT("/c/two", path);
    CHECK(stat.dataLength == 2 && stat.version == 0 && stat.czxid == stat.mzxid && stat.czxid == stat.pzxid);
    CHECK_RC(ZBADARGUMENTS, create("relative", NULL, 0));
    CHECK_RC(ZBADARGUMENTS, create("/c/two/", NULL, 0));
}

static void test_data(void) {
    char buffer[64];
    int length = sizeof buffer;
    struct Stat stat;
    CHECK_RC(ZOK, create("/d", "abc", 0));
    CHECK_RC(ZOK, zoo_get(zh, "/d", 0, buffer, &length, &stat));
    CHECK(length == 3 && memcmp(buffer, "abc", 3) == 0 && stat.version == 0);
    CHECK_RC(ZOK, zoo_set2(zh, "/d", "defg", 4, 0, &stat));
    CHECK(stat.version == 1 && stat.dataLength == 4 && stat.mzxid > stat.czxid && stat.mtime >= stat.ctime);
    CHECK_RC(ZBADVERSION, zoo_set(zh, "/d", "x", 1, 0));
    CHECK_RC(ZNONODE, zoo_set(zh, "/missing", "x", 1, -1));
    CHECK_RC(ZNONODE, zoo_get(zh, "/missing", 0, buffer, &length, &stat));
    CHECK_RC(ZOK, zoo_set(zh, "/d", NULL, -1, -1));
    length = sizeof buffer;
    CHECK_RC(ZOK, zoo_get(zh, "/d", 0, buffer, &length, &stat));
    CHECK(length == -1 && stat.dataLength == 0);
    CHECK_RC(ZOK, zoo_set(zh, "/d", "", 0, -1));
    length = sizeof buffer;
    CHECK_RC(ZOK, zoo_get(zh, "/d", 0, buffer, &length, &stat));
    CHECK(length == 0 && stat.version == 3);
}

static void test_large_data(void) {
    enum { SIZE = 1000000 };
    char *written = malloc(SIZE), *read = malloc(SIZE);
    int length = SIZE;
    struct Stat stat;
    for (int i = 0; i < SIZE; i++) written[i] = (char)(i * 7);
    CHECK_RC(ZOK, zoo_create(zh, "/large", written, SIZE, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    CHECK_RC(ZOK, zoo_get(zh, "/large", 0, read, &length, &stat));
    CHECK(length == SIZE && memcmp(written, read, SIZE) == 0);
    CHECK_RC(ZOK, zoo_delete(zh, "/large", -1));
    free(written);
    free(read);
}

static void test_delete(void) {
    CHECK_RC(ZOK, create("/x", NULL, 0));
    CHECK_RC(ZOK, create("/x/y", NULL, 0));
    CHECK_RC(ZNOTEMPTY, zoo_delete(zh, "/x", -1));
    CHECK_RC(ZBADVERSION, zoo_delete(zh, "/x/y", 5));
    CHECK_RC(ZOK, zoo_delete(zh, "/x/y", 0));
    CHECK_RC(ZOK, zoo_delete(zh, "/x", -1));
    CHECK_RC(ZNONODE, zoo_delete(zh, "/x", -1));
    CHECK_RC(ZNONODE, zoo_exists(zh, "/x", 0, NULL));
    CHECK_RC(ZBADARGUMENTS, zoo_delete(zh, "/", -1));
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_children(void) {
    struct String_vector names;
    struct Stat stat;
    CHECK_RC(ZOK, create("/k", NULL, 0));
    CHECK_RC(ZOK, zoo_get_children(zh, "/k", 0, &names));
    CHECK(names.count == 0);
    deallocate_String_vector(&names);
    CHECK_RC(ZOK, create("/k/b", NULL, 0));
    CHECK_RC(ZOK, create("/k/a", NULL, ZOO_EPHEMERAL));
    if (CHECK_RC(ZOK, zoo_get_children2(zh, "/k", 0, &names, &stat))) {
        CHECK(names.count == 2 && stat.numChildren == 2 && stat.cversion == 2 && stat.pzxid > stat.czxid);
        qsort(names.data, names.count, sizeof names.data[0], compare_names);
        CHECK_TEXT("a", names.data[0]);
        CHECK_TEXT("b", names.data[1]);
        deallocate_String_vector(&names);
    }
    CHECK_RC(ZNONODE, zoo_get_children(zh, "/missing", 0, &names));
}

static void test_async(void) {
    static answer_t a[16];
    memset(a, 0, sizeof a);
    const struct ACL_vector *open = &ZOO_OPEN_ACL_UNSAFE;
    CHECK_RC(ZOK, zoo_acreate(zh, "/async", "1", 1, open, 0, on_string, &a[0]));
    CHECK_RC(ZOK, zoo_acreate2(zh, "/async/s-", "22", 2, open, ZOO_SEQUENCE, on_string_stat, &a[1]));
    CHECK_RC(ZOK, zoo_aexists(zh, "/async", 0, on_stat, &a[2]));
    CHECK_RC(ZOK, zoo_aget(zh, "/async/s-0000000000", 0, on_data, &a[3]));
    CHECK_RC(ZOK, zoo_aset(zh, "/async", "333", 3, 0, on_stat, &a[4]));
    CHECK_RC(ZOK, zoo_aset(zh, "/async", "4", 1, 0, on_stat, &a[5]));
    CHECK_RC(ZOK, zoo_aget_children(zh, "/async", 0, on_strings, &a[6]));
    CHECK_RC(ZOK, zoo_aget_children2(zh, "/async", 0, on_strings_stat, &a[7]));
    CHECK_RC(ZOK, zoo_async(zh, "/async", on_string, &a[8]));
    CHECK_RC(ZOK, zoo_aget_acl(zh, "/async", on_acl, &a[9]));
    CHECK_RC(ZOK, zoo_aset_acl(zh, "/async", 0, (struct ACL_vector *)&ZOO_READ_ACL_UNSAFE, on_void, &a[10]));
    /* The ACL of a change that is still under way does not bind the requests behind it: wait. */
    CHECK_RC(ZOK, answered(&a[10]));
    CHECK_RC(ZOK, zoo_aset(zh, "/async", "5", 1, -1, on_stat, &a[11]));
    CHECK_RC(ZOK, zoo_adelete(zh, "/async/s-0000000000", 0, on_void, &a[12]));
    CHECK_RC(ZOK, zoo_aexists(zh, "/async/s-0000000000", 0, on_stat, &a[13]));
    CHECK_RC(ZOK, zoo_adelete(zh, "/async", -1, on_void, &a[14]));

    CHECK_RC(ZOK, answered(&a[0]));
    CHECK_TEXT("/async", a[0].text);
    CHECK_RC(ZOK, answered(&a[1]));
    CHECK_TEXT("/async/s-0000000000", a[1].text);
    CHECK(a[1].stat.dataLength == 2);
    CHECK_RC(ZOK, answered(&a[2]));
    CHECK(a[2].stat.numChildren == 1);
    CHECK_RC(ZOK, answered(&a[3]));
    CHECK_TEXT("22", a[3].text);
    CHECK_RC(ZOK, answered(&a[4]));
    CHECK(a[4].stat.version == 1);
    CHECK_RC(ZBADVERSION, answered(&a[5]));
    CHECK_RC(ZOK, answered(&a[6]));
    CHECK(a[6].count == 1);
    CHECK_TEXT("s-0000000000", a[6].names[0]);
    CHECK_RC(ZOK, answered(&a[7]));
    CHECK(a[7].count == 1 && a[7].stat.version == 1 && a[7].stat.cversion == 1);
    CHECK_RC(ZOK, answered(&a[8]));
    CHECK_TEXT("/async", a[8].text);
    CHECK_RC(ZOK, answered(&a[9]));
    CHECK(a[9].count == 1 && a[9].permissions == ZOO_PERM_ALL);
    CHECK_TEXT("world:anyone", a[9].text);
    CHECK_RC(ZNOAUTH, answered(&a[11]));
    CHECK_RC(ZNOAUTH, answered(&a[12]));
    CHECK_RC(ZOK, answered(&a[13]));
    CHECK_RC(ZNOTEMPTY, answered(&a[14]));
}

static void test_many_in_flight(void) {
    enum { COUNT = 2000 };
    static answer_t sets[COUNT], gets[COUNT];
    char value[16];
    memset(sets, 0, sizeof sets);
    memset(gets, 0, sizeof gets);
    CHECK_RC(ZOK, create("/flight", "0", 0));
    for (int i = 0; i < COUNT; i++) {
        snprintf(value, sizeof value, "%d", i);
        zoo_aset(zh, "/flight", value, (int)strlen(value), i, on_stat, &sets[i]);
        zoo_aget(zh, "/flight", 0, on_data, &gets[i]);
    }
    for (int i = 0; i < COUNT && failures_in_test == 0; i++) {
        snprintf(value, sizeof value, "%d", i);
        CHECK_RC(ZOK, answered(&sets[i]));
        CHECK_RC(ZOK, answered(&gets[i]));
        CHECK(sets[i].stat.version == i + 1);
        CHECK_TEXT(value, gets[i].text);
    }
}

static void test_watches(void) {
    static events_t seen;
    char buffer[16];
    int length = sizeof buffer;
    struct Stat stat;
    struct String_vector names;
    memset(&seen, 0, sizeof seen);
    CHECK_RC(ZNONODE, zoo_wexists(zh, "/watched", watcher, &seen, &stat));
    CHECK_RC(ZOK, create("/watched", "1", 0));
    CHECK(saw(&seen, 0, ZOO_CREATED_EVENT, "/watched"));
    CHECK_RC(ZOK, zoo_wget(zh, "/watched", watcher, &seen, buffer, &length, &stat));
    CHECK_RC(ZOK, zoo_set(zh, "/watched", "2", 1, -1));
    CHECK(saw(&seen, 1, ZOO_CHANGED_EVENT, "/watched"));
    CHECK_RC(ZOK, zoo_set(zh, "/watched", "3", 1, -1));
    CHECK_RC(ZOK, zoo_wget_children(zh, "/watched", watcher, &seen, &names));
    deallocate_String_vector(&names);
    CHECK_RC(ZOK, create("/watched/child", NULL, 0));
    CHECK(saw(&seen, 2, ZOO_CHILD_EVENT, "/watched"));
    CHECK_RC(ZOK, zoo_wget_children2(zh, "/watched", watcher, &seen, &names, &stat));
    deallocate_String_vector(&names);
    CHECK_RC(ZOK, zoo_delete(zh, "/watched/child", -1));
    CHECK(saw(&seen, 3, ZOO_CHILD_EVENT, "/watched"));
    CHECK_RC(ZOK, zoo_wexists(zh, "/watched", watcher, &seen, &stat));
    CHECK_RC(ZOK, zoo_delete(zh, "/watched", -1));
    CHECK(saw(&seen, 4, ZOO_DELETED_EVENT, "/watched"));
    CHECK(seen.count == 5);
}

static void test_global_watcher(void) {
    struct Stat stat;
    int before = main_events.count;
    CHECK_RC(ZNONODE, zoo_exists(zh, "/global", 1, &stat));
    CHECK_RC(ZOK, create("/global", NULL, 0));
    CHECK(saw(&main_events, before, ZOO_CREATED_EVENT, "/global"));
}

static void test_async_watches(void) {
    static events_t seen;
    static answer_t a[4];
    memset(&seen, 0, sizeof seen);
    memset(a, 0, sizeof a);
    CHECK_RC(ZOK, create("/aw", "1", 0));
    CHECK_RC(ZOK, zoo_awexists(zh, "/aw/new", watcher, &seen, on_stat, &a[0]));
    CHECK_RC(ZNONODE, answered(&a[0]));
    CHECK_RC(ZOK, create("/aw/new", NULL, 0));
    CHECK(saw(&seen, 0, ZOO_CREATED_EVENT, "/aw/new"));
    CHECK_RC(ZOK, zoo_awget(zh, "/aw", watcher, &seen, on_data, &a[1]));
    CHECK_RC(ZOK, answered(&a[1]));
    CHECK_RC(ZOK, zoo_set(zh, "/aw", "2", 1, -1));
    CHECK(saw(&seen, 1, ZOO_CHANGED_EVENT, "/aw"));
    CHECK_RC(ZOK, zoo_awget_children(zh, "/aw", watcher, &seen, on_strings, &a[2]));
    CHECK_RC(ZOK, answered(&a[2]));
    CHECK_RC(ZOK, zoo_delete(zh, "/aw/new", -1));
    CHECK(saw(&seen, 2, ZOO_CHILD_EVENT, "/aw"));
    CHECK_RC(ZOK, zoo_awget_children2(zh, "/aw", watcher, &seen, on_strings_stat, &a[3]));
    CHECK_RC(ZOK, answered(&a[3]));
    CHECK_RC(ZOK, zoo_delete(zh, "/aw", -1));
    CHECK(saw(&seen, 3, ZOO_DELETED_EVENT, "/aw"));
}

static void test_remove_watches(void) {
    static events_t seen, other;
    char buffer[16];
    int length = sizeof buffer;
    struct Stat stat;
    struct String_vector names;
    memset(&seen, 0, sizeof seen);
    memset(&other, 0, sizeof other);
    CHECK_RC(ZOK, create("/rw", "1", 0));
    CHECK_RC(ZNOWATCHER, zoo_remove_all_watches(zh, "/rw", ZWATCHTYPE_ANY, 0));
    CHECK_RC(ZOK, zoo_wget(zh, "/rw", watcher, &seen, buffer, &length, &stat));
    CHECK_RC(ZOK, zoo_wget_children(zh, "/rw", watcher, &other, &names));
    deallocate_String_vector(&names);
    CHECK_RC(ZNOWATCHER, zoo_remove_watches(zh, "/rw", ZWATCHTYPE_CHILD, watcher, &seen, 0));
    CHECK_RC(ZOK, zoo_remove_watches(zh, "/rw", ZWATCHTYPE_DATA, watcher, &seen, 0));
    CHECK_RC(ZOK, zoo_set(zh, "/rw", "2", 1, -1));
    CHECK_RC(ZOK, create("/rw/child", NULL, 0));
    CHECK(saw(&other, 0, ZOO_CHILD_EVENT, "/rw"));
    for (int i = 0; i < seen.count; i++) CHECK(seen.types[i] != ZOO_CHANGED_EVENT);
    CHECK_RC(ZOK, zoo_wget_children(zh, "/rw", watcher, &other, &names));
    deallocate_String_vector(&names);
    CHECK_RC(ZOK, zoo_remove_all_watches(zh, "/rw", ZWATCHTYPE_ANY, 0));
}

static void test_multi(void) {
    enum { COUNT = 5 };
    zoo_op_t ops[COUNT];
    zoo_op_result_t results[COUNT];
    char plain[64], sequential[64];
    struct Stat stat;
    CHECK_RC(ZOK, create("/m", "1", 0));
    zoo_check_op_init(&ops[0], "/m", 0);
    zoo_create_op_init(&ops[1], "/m/a", "a", 1, &ZOO_OPEN_ACL_UNSAFE, 0, plain, sizeof plain);
    zoo_create_op_init(&ops[2], "/m/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, sequential, sizeof sequential);
    zoo_set_op_init(&ops[3], "/m", "22", 2, 0, &stat);
    zoo_delete_op_init(&ops[4], "/m/a", 0);
    CHECK_RC(ZOK, zoo_multi(zh, COUNT, ops, results));
    for (int i = 0; i < COUNT; i++) CHECK_RC(ZOK, results[i].err);
    CHECK_TEXT("/m/a", plain);
    CHECK_TEXT("/m/s-0000000001", sequential);
    CHECK(stat.version == 1 && stat.dataLength == 2);
    CHECK_RC(ZNONODE, zoo_exists(zh, "/m/a", 0, NULL));
}

static void test_multi_failure(void) {
    enum { COUNT = 3 };
    static answer_t answer;
    zoo_op_t ops[COUNT];
    zoo_op_result_t results[COUNT];
    char path[64];
    memset(&answer, 0, sizeof answer);
    zoo_create_op_init(&ops[0], "/m/undone", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
    zoo_check_op_init(&ops[1], "/m", 99);
    zoo_delete_op_init(&ops[2], "/m", -1);
    CHECK_RC(ZBADVERSION, zoo_multi(zh, COUNT, ops, results));
    CHECK_RC(ZOK, results[0].err);
    CHECK_RC(ZBADVERSION, results[1].err);
    CHECK_RC(ZRUNTIMEINCONSISTENCY, results[2].err);
    CHECK_RC(ZNONODE, zoo_exists(zh, "/m/undone", 0, NULL));
    zoo_delete_op_init(&ops[1], "/m/nothing", -1);
    CHECK_RC(ZOK, zoo_amulti(zh, 2, ops, results, on_void, &answer));
    CHECK_RC(ZNONODE, answered(&answer));
    CHECK_RC(ZOK, zoo_multi(zh, 0, ops, results));
}

static void test_containers(void) {
    static events_t seen;
    struct Stat stat;
    memset(&seen, 0, sizeof seen);
    CHECK_RC(ZOK, create("/container", NULL, ZOO_CONTAINER));
    CHECK_RC(ZOK, create("/container/child", NULL, 0));
    CHECK_RC(ZOK, zoo_wexists(zh, "/container", watcher, &seen, &stat));
    CHECK(stat.ephemeralOwner == 0 && stat.numChildren == 1);
    CHECK_RC(ZOK, zoo_delete(zh, "/container/child", -1));
    CHECK(saw(&seen, 0, ZOO_DELETED_EVENT, "/container"));
}

static void test_ttl(void) {
    static events_t seen;
    static answer_t a[2];
    char path[64];
    struct Stat stat;
    memset(&seen, 0, sizeof seen);
    memset(a, 0, sizeof a);
    const struct ACL_vector *open = &ZOO_OPEN_ACL_UNSAFE;
    int mode = ZOO_PERSISTENT_WITH_TTL, sequential = ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL;
    CHECK_RC(ZOK, create("/ttl", NULL, 0));
    CHECK_RC(ZOK, zoo_create_ttl(zh, "/ttl/short", "x", 1, open, mode, 300, path, sizeof path));
    CHECK_RC(ZOK, zoo_wexists(zh, "/ttl/short", watcher, &seen, &stat));
    CHECK(stat.ephemeralOwner == 0);
    CHECK_RC(ZOK, zoo_create2_ttl(zh, "/ttl/s-", "x", 1, open, sequential, 600000, path, sizeof path, &stat));
    CHECK_TEXT("/ttl/s-0000000001", path);
    CHECK_RC(ZOK, zoo_acreate_ttl(zh, "/ttl/a", "x", 1, open, mode, 600000, on_string, &a[0]));
    CHECK_RC(ZOK, zoo_acreate2_ttl(zh, "/ttl/b", "x", 1, open, mode, 600000, on_string_stat, &a[1]));
    CHECK_RC(ZOK, answered(&a[0]));
    CHECK_RC(ZOK, answered(&a[1]));
    CHECK(a[1].stat.dataLength == 1);
    CHECK_RC(ZBADARGUMENTS, zoo_create_ttl(zh, "/ttl/zero", "x", 1, open, mode, 0, path, sizeof path));
    CHECK_RC(ZBADARGUMENTS, zoo_create_ttl(zh, "/ttl/huge", "x", 1, open, mode, 0x10000000000LL, path, sizeof path));
    CHECK(saw(&seen, 0, ZOO_DELETED_EVENT, "/ttl/short"));
    CHECK_RC(ZOK, zoo_exists(zh, "/ttl/a", 0, NULL));
}

static void test_acl(void) {
    static events_t events;
    static answer_t a[4];
    struct ACL_vector acl;
    struct Stat stat;
    char buffer[16];
    int length = sizeof buffer;
    memset(a, 0, sizeof a);
    zhandle_t *alice = open_connected(&events, SESSION_TIMEOUT_MS);
    CHECK_RC(ZINVALIDACL, zoo_create(alice, "/acl", "s", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
    CHECK_RC(ZOK, zoo_add_auth(alice, "digest", "alice:secret", 12, on_void, &a[0]));
    CHECK_RC(ZOK, answered(&a[0]));
    CHECK_RC(ZOK, zoo_create(alice, "/acl", "s", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
    if (CHECK_RC(ZOK, zoo_get_acl(alice, "/acl", &acl, &stat))) {
        CHECK(acl.count == 1 && acl.data[0].perms == ZOO_PERM_ALL && stat.aversion == 0);
        CHECK_TEXT("digest", acl.data[0].id.scheme);
        CHECK(strncmp(acl.data[0].id.id, "alice:", 6) == 0);
        deallocate_ACL_vector(&acl);
    }
    CHECK_RC(ZNOAUTH, zoo_get(zh, "/acl", 0, buffer, &length, &stat));
    CHECK_RC(ZNOAUTH, zoo_set(zh, "/acl", "x", 1, -1));
    CHECK_RC(ZNOAUTH, create("/acl/x", NULL, 0));
    CHECK_RC(ZOK, zoo_set_acl(alice, "/acl", 0, &ZOO_READ_ACL_UNSAFE));
    CHECK_RC(ZBADVERSION, zoo_set_acl(zh, "/d", 7, &ZOO_OPEN_ACL_UNSAFE));
    CHECK_RC(ZNONODE, zoo_set_acl(zh, "/missing", -1, &ZOO_OPEN_ACL_UNSAFE));
    CHECK_RC(ZOK, zoo_get(zh, "/acl", 0, buffer, &length, &stat));
    CHECK(stat.aversion == 1);
    CHECK_RC(ZNOAUTH, zoo_set_acl(alice, "/acl", -1, &ZOO_OPEN_ACL_UNSAFE));
    struct ACL unknown = {ZOO_PERM_ALL, {"nonsense", "x"}};
    struct ACL_vector invalid = {1, &unknown};
    CHECK_RC(ZINVALIDACL, zoo_create(alice, "/acl-bad", "", 0, &invalid, 0, NULL, 0));
    struct ACL local = {ZOO_PERM_ALL, {"ip", "127.0.0.1"}};
    struct ACL_vector ip = {1, &local};
    CHECK_RC(ZOK, zoo_create(alice, "/acl-ip", "1", 1, &ip, 0, NULL, 0));
    CHECK_RC(ZOK, zoo_set(zh, "/acl-ip", "x", 1, -1));
    CHECK_RC(ZOK, zookeeper_close(alice));
}

static void test_auth_failure(void) {
    static events_t events;
    static answer_t answer;
    memset(&answer, 0, sizeof answer);
    zhandle_t *session = open_connected(&events, SESSION_TIMEOUT_MS);
    CHECK_RC(ZOK, zoo_add_auth(session, "nonsense", "x", 1, on_void, &answer));
    CHECK_RC(ZAUTHFAILED, answered(&answer));
    CHECK(await(&events.is_auth_failed, 1));
    CHECK(is_unrecoverable(session));
    CHECK_RC(ZINVALIDSTATE, zoo_exists(session, "/", 0, NULL));
    zookeeper_close(session);
}

static void test_super(void) {
    static events_t events;
    static answer_t answer;
    char buffer[16];
    int length = sizeof buffer;
    struct Stat stat;
    memset(&answer, 0, sizeof answer);
    struct ACL nobody = {ZOO_PERM_ALL, {"ip", "10.1.2.3"}};
    struct ACL_vector acl = {1, &nobody};
    CHECK_RC(ZOK, zoo_create(zh, "/locked", "1", 1, &acl, 0, NULL, 0));
    CHECK_RC(ZNOAUTH, zoo_get(zh, "/locked", 0, buffer, &length, &stat));
    zhandle_t *session = open_connected(&events, SESSION_TIMEOUT_MS);
    CHECK_RC(ZOK, zoo_add_auth(session, "digest", "super:test", 10, on_void, &answer));
    CHECK_RC(ZOK, answered(&answer));
    CHECK_RC(ZOK, zoo_get(session, "/locked", 0, buffer, &length, &stat));
    CHECK_RC(ZOK, zookeeper_close(session));
}

static void test_config(void) {
    static answer_t answer;
    char buffer[1024];
    int length = sizeof buffer;
    struct Stat stat;
    memset(&answer, 0, sizeof answer);
    CHECK_RC(ZOK, zoo_getconfig(zh, 0, buffer, &length, &stat));
    CHECK(length <= 0);
    CHECK_RC(ZOK, zoo_agetconfig(zh, 0, on_data, &answer));
    CHECK_RC(ZOK, answered(&answer));
    length = sizeof buffer;
    int rc = zoo_reconfig(zh, "server.2=localhost:1:2;3", NULL, NULL, -1, buffer, &length, &stat);
    CHECK_RC(ZRECONFIGDISABLED, rc);
}

static void test_chroot(void) {
    static events_t events, seen;
    char host[128], path[64];
    struct Stat stat;
    memset(&seen, 0, sizeof seen);
    CHECK_RC(ZOK, create("/jail", NULL, 0));
    snprintf(host, sizeof host, "%s/jail", address);
    zhandle_t *session = open_session(host, &events, SESSION_TIMEOUT_MS, NULL);
    CHECK(await(&events.is_connected, 1));
    CHECK_RC(ZOK, zoo_create(session, "/cell", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path, sizeof path));
    CHECK_TEXT("/cell0000000000", path);
    CHECK_RC(ZOK, zoo_exists(zh, "/jail/cell0000000000", 0, &stat));
    CHECK_RC(ZOK, zoo_wexists(session, "/cell0000000000", watcher, &seen, &stat));
    CHECK_RC(ZOK, zoo_delete(zh, "/jail/cell0000000000", -1));
    CHECK(saw(&seen, 0, ZOO_DELETED_EVENT, "/cell0000000000"));
    CHECK_RC(ZOK, zookeeper_close(session));
}

static void test_ephemerals_end_with_close(void) {
    static events_t events, seen;
    struct Stat stat;
    memset(&seen, 0, sizeof seen);
    zhandle_t *session = open_connected(&events, SESSION_TIMEOUT_MS);
    CHECK_RC(ZOK, zoo_create(session, "/passing", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0));
    CHECK_RC(ZOK, zoo_wexists(zh, "/passing", watcher, &seen, &stat));
    CHECK_RC(ZOK, zookeeper_close(session));
    CHECK(saw(&seen, 0, ZOO_DELETED_EVENT, "/passing"));
}

static void test_take_over(void) {
    static events_t events;
    clientid_t id;
    struct Stat stat;
    CHECK(take_over(&id));
    zhandle_t *session = open_session(address, &events, SESSION_TIMEOUT_MS, &id);
    CHECK(await(&events.is_connected, 1));
    CHECK(zoo_client_id(session)->client_id == id.client_id);
    CHECK_RC(ZOK, zoo_exists(session, "/left-behind", 0, &stat));
    CHECK(stat.ephemeralOwner == id.client_id);
    CHECK_RC(ZOK, zookeeper_close(session));
    CHECK_RC(ZNONODE, zoo_exists(zh, "/left-behind", 0, &stat));
}

static void test_wrong_password(void) {
    static events_t events;
    clientid_t id;
    CHECK(take_over(&id));
    id.passwd[3] ^= 1;
    zhandle_t *session = open_session(address, &events, SESSION_TIMEOUT_MS, &id);
    CHECK(await(&events.is_expired, 1));
    CHECK(is_unrecoverable(session));
    zookeeper_close(session);
}

static void test_expiry(void) {
    static events_t events, seen;
    struct Stat stat;
    clientid_t id;
    memset(&seen, 0, sizeof seen);
    zoo_delete(zh, "/left-behind", -1);
    CHECK(take_over(&id));
    CHECK_RC(ZOK, zoo_wexists(zh, "/left-behind", watcher, &seen, &stat));
    CHECK(saw(&seen, 0, ZOO_DELETED_EVENT, "/left-behind"));
    zhandle_t *session = open_session(address, &events, SESSION_TIMEOUT_MS, &id);
    CHECK(await(&events.is_expired, 1));
    zookeeper_close(session);
}

static void test_restart(void) {
    static events_t seen;
    static answer_t before;
    char buffer[16];
    int length = sizeof buffer;
    struct Stat stat, found;
    int64_t id = zoo_client_id(zh)->client_id;
    memset(&seen, 0, sizeof seen);
    memset(&before, 0, sizeof before);
    CHECK_RC(ZOK, create("/restart", "1", 0));
    CHECK_RC(ZOK, create("/restart/ephemeral", NULL, ZOO_EPHEMERAL));
    CHECK_RC(ZOK, zoo_wget(zh, "/restart", watcher, &seen, buffer, &length, &stat));
    int disconnects = main_events.disconnects;
    ask_for_restart();
    CHECK(await(&main_events.disconnects, disconnects + 1));
    CHECK(await(&main_events.is_connected, 1));
    CHECK(zoo_client_id(zh)->client_id == id);
    CHECK_RC(ZOK, zoo_exists(zh, "/restart", 0, &found));
    CHECK(memcmp(&stat.czxid, &found.czxid, sizeof stat.czxid) == 0 && found.numChildren == 1);
    CHECK_RC(ZOK, zoo_exists(zh, "/restart/ephemeral", 0, &found));
    CHECK(found.ephemeralOwner == id);
    CHECK_RC(ZOK, zoo_set2(zh, "/restart", "2", 1, 0, &found));
    CHECK(found.mzxid > stat.mzxid);
    CHECK(await(&seen.count, 1));
    CHECK(saw(&seen, 0, ZOO_CHANGED_EVENT, "/restart"));
}

static void test_second_host(void) {
    static events_t events;
    char hosts[128];
    snprintf(hosts, sizeof hosts, "127.0.0.1:1,%s", address);
    zoo_deterministic_conn_order(1);
    zhandle_t *session = open_session(hosts, &events, SESSION_TIMEOUT_MS, NULL);
    CHECK(await(&events.is_connected, 1));
    zoo_deterministic_conn_order(0);
    CHECK_TEXT(address, zoo_get_current_server(session));
    CHECK_RC(ZOK, zoo_set_servers(session, address));
    CHECK_RC(ZOK, zoo_exists(session, "/", 0, NULL));
    CHECK_RC(ZOK, zookeeper_close(session));
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    program = argv[0];
    address = argv[1];
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    if (argc > 2) leave();
    zh = open_connected(&main_events, SESSION_TIMEOUT_MS);

    run("sessions: state, id, and a timeout between 2 and 20 ticks", test_session);
    run("create in all modes, and create2 with a stat", test_create_modes);
    run("get, set and set2, with versions and with null and empty data", test_data);
    run("a megabyte of data", test_large_data);
    run("delete", test_delete);
    run("get_children and get_children2", test_children);
    run("all asynchronous calls in one pipeline", test_async);
    run("4,000 requests in flight are answered in order", test_many_in_flight);
    run("watcher functions of exists, get, get_children and get_children2", test_watches);
    run("the global watcher", test_global_watcher);
    run("watcher functions of the asynchronous calls", test_async_watches);
    run("remove_watches and remove_all_watches", test_remove_watches);
    run("multi with all five operations", test_multi);
    run("a multi that fails changes nothing and says which part it was", test_multi_failure);
    run("a container goes with its last child", test_containers);
    run("TTL znodes, four calls; a short one goes", test_ttl);
    run("ACLs: auth, digest, ip, invalid ones, versions", test_acl);
    run("authentication by an unknown scheme fails for good", test_auth_failure);
    run("the super user passes every ACL", test_super);
    run("getconfig is empty and reconfig disabled", test_config);
    run("a chroot in the connection string", test_chroot);
    run("closing a session ends its ephemerals", test_ephemerals_end_with_close);
    run("a session is taken over by id and password", test_take_over);
    run("a wrong password is an expired session", test_wrong_password);
    run("a session that nobody keeps alive expires", test_expiry);
    run("a client goes on to the next of its hosts", test_second_host);
    run("the server restarts: session, ephemerals, watches and data remain", test_restart);

    zookeeper_close(zh);
    return failures > 0;
}
