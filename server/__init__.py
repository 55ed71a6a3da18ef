"""The HTTP service: the verbs of `executor` for programs. The only package that speaks HTTP.

    serving     listen, print where, end in good order
    app         the routes under what every request goes through:
                watch (request id, counts, what nobody caught) → limits → access → size of the body → route
    service     what all requests share: library, sandbox, domains, planning processes, runs
    pool        looks for plans in processes of their own, each search with a deadline
    runs        carries out runs and other long work in threads, in the order in which they were asked for

A request's error is a problem document (`problems`); what a plan, a run or a body came to is data in the answer.
"""
