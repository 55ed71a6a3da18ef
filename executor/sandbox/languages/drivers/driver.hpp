// Calls a C++ body once: the request is on descriptor 4, the answer goes to descriptor 3.
//
// Each argument is decoded into the type of the parameter in its place, and nothing is converted in
// silence: 2.5 is no int. Types of a body's own are decoded where it says how (NLOHMANN_DEFINE_TYPE...).
#pragma once

#include <unistd.h>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <exception>
#include <limits>
#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include <cxxabi.h>

namespace htn_driver {

using json = nlohmann::ordered_json;

struct not_plain : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A type of the body's own is written for the plain kind of JSON, which sorts its keys.
template <class T>
struct codec {
    static T read(const json& value) { return nlohmann::json(value).template get<T>(); }
    static json write(const T& value) { return json(nlohmann::json(value)); }
};

template <class T>
json write(const T& value) {
    return codec<T>::write(value);
}

inline std::invalid_argument unfit(const char* wanted, const json& value) {
    return std::invalid_argument(std::string("wanted ") + wanted + ", found " + value.type_name());
}

template <>
struct codec<bool> {
    static bool read(const json& value) {
        if (!value.is_boolean()) throw unfit("a boolean", value);
        return value.get<bool>();
    }
    static json write(bool value) { return value; }
};

template <std::integral T>
struct codec<T> {
    static T read(const json& value) {
        if (value.is_number_unsigned() && std::in_range<T>(value.get<std::uint64_t>())) return value.get<T>();
        if (value.is_number_integer() && !value.is_number_unsigned() && std::in_range<T>(value.get<std::int64_t>()))
            return value.get<T>();
        throw value.is_number_integer() ? std::invalid_argument("the integer is out of range") : unfit("an integer", value);
    }
    static json write(T value) { return value; }
};

template <std::floating_point T>
struct codec<T> {
    static T read(const json& value) {
        if (!value.is_number()) throw unfit("a number", value);
        return value.get<T>();
    }
    static json write(T value) {
        if (!std::isfinite(value)) throw not_plain("the result holds a number that is not finite, which JSON cannot hold");
        return value;
    }
};

template <>
struct codec<std::string> {
    static std::string read(const json& value) {
        if (!value.is_string()) throw unfit("a text", value);
        return value.get<std::string>();
    }
    static json write(const std::string& value) { return value; }
};

template <>
struct codec<std::string_view> {
    static json write(std::string_view value) { return std::string(value); }
};

template <>
struct codec<const char*> {
    static json write(const char* value) { return value == nullptr ? json() : json(std::string(value)); }
};

template <>
struct codec<json> {
    static json read(const json& value) { return value; }
    static json write(const json& value) { return value; }
};

template <>
struct codec<nlohmann::json> {
    static nlohmann::json read(const json& value) { return nlohmann::json(value); }
    static json write(const nlohmann::json& value) { return json(value); }
};

template <class T>
struct codec<std::vector<T>> {
    static std::vector<T> read(const json& value) {
        if (!value.is_array()) throw unfit("a list", value);
        std::vector<T> all;
        all.reserve(value.size());
        for (const auto& each : value) all.push_back(codec<T>::read(each));
        return all;
    }
    static json write(const std::vector<T>& value) {
        json all = json::array();
        for (const auto& each : value) all.push_back(codec<T>::write(each));
        return all;
    }
};

template <class T>
struct codec<std::optional<T>> {
    static std::optional<T> read(const json& value) {
        return value.is_null() ? std::optional<T>() : std::optional<T>(codec<T>::read(value));
    }
    static json write(const std::optional<T>& value) { return value ? codec<T>::write(*value) : json(); }
};

template <class Map>
struct map_codec {
    static Map read(const json& value) {
        if (!value.is_object()) throw unfit("an object", value);
        Map all;
        for (const auto& [key, each] : value.items()) all.emplace(key, codec<typename Map::mapped_type>::read(each));
        return all;
    }
    static json write(const Map& value) {
        json all = json::object();
        for (const auto& [key, each] : value) all[key] = codec<typename Map::mapped_type>::write(each);
        return all;
    }
};
template <class T>
struct codec<std::map<std::string, T>> : map_codec<std::map<std::string, T>> {};
template <class T>
struct codec<std::unordered_map<std::string, T>> : map_codec<std::unordered_map<std::string, T>> {};

template <class... T>
struct codec<std::tuple<T...>> {
    static json write(const std::tuple<T...>& value) {
        return std::apply([](const auto&... each) { return json::array({htn_driver::write(each)...}); }, value);
    }
};
template <class A, class B>
struct codec<std::pair<A, B>> {
    static std::pair<A, B> read(const json& value) {
        if (!value.is_array() || value.size() != 2) throw unfit("a list of two", value);
        return {codec<A>::read(value[0]), codec<B>::read(value[1])};
    }
    static json write(const std::pair<A, B>& value) { return json::array({htn_driver::write(value.first), htn_driver::write(value.second)}); }
};

// What holds an argument while the body looks at it.
template <class T>
struct held {
    using type = T;
};
template <>
struct held<std::string_view> {
    using type = std::string;
};
template <>
struct held<const char*> {
    using type = std::string;
};
template <class T>
using held_t = typename held<std::decay_t<T>>::type;

template <class Parameter>
decltype(auto) hand_over(held_t<Parameter>& value) {
    if constexpr (std::is_same_v<std::decay_t<Parameter>, const char*>)
        return value.c_str();
    else if constexpr (std::is_lvalue_reference_v<Parameter>)
        return static_cast<held_t<Parameter>&>(value);
    else
        return held_t<Parameter>(value);
}

inline void check(const json& value) {
    if (value.is_number_float() && !std::isfinite(value.get<double>()))
        throw not_plain("the result holds a number that is not finite, which JSON cannot hold");
    if (value.is_structured())
        for (const auto& each : value) check(each);
}

[[noreturn]] inline void leave(const json& message) {
    const std::string text = message.dump();
    std::fflush(nullptr);
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t some = ::write(3, text.data() + sent, text.size() - sent);
        if (some <= 0) ::_exit(97);
        sent += static_cast<std::size_t>(some);
    }
    ::_exit(0);
}

[[noreturn]] inline void fail(const json& identity, const char* category, std::string message) {
    if (message.size() > 2000) message.resize(2000);
    const json problem = {{"id", identity}, {"problem", {category, message, ""}}};
    leave(json::parse(problem.dump(-1, ' ', false, json::error_handler_t::replace)));
}

inline json request() {
    std::string text;
    char chunk[65536];
    for (ssize_t some; (some = ::read(4, chunk, sizeof chunk)) > 0;) text.append(chunk, static_cast<std::size_t>(some));
    ::close(4);
    return json::parse(text);
}

template <class... A>
auto decoded(const json& asked, std::size_t& at) {
    const auto one = [&]<class T>(std::type_identity<T>) {
        try {
            return codec<T>::read(asked["values"][at++]);
        } catch (const std::exception& error) {
            throw std::invalid_argument("the argument " + asked["names"][at - 1].template get<std::string>() + ": " + error.what());
        }
    };
    return std::tuple<held_t<A>...>{one(std::type_identity<held_t<A>>{})...};
}

template <class R, class... A>
void call(R (*function)(A...), const json& asked) {
    const json& id = asked["id"];
    if (asked["values"].size() != sizeof...(A))
        fail(id, "runtime", "the function takes " + std::to_string(sizeof...(A)) + " arguments and is given " + std::to_string(asked["values"].size()));
    std::size_t at = 0;
    auto arguments = decoded<A...>(asked, at);
    const auto texts = [](const auto&... each) { return std::vector<std::string>{htn_driver::write(each).dump()...}; };
    const std::vector<std::string> before = std::apply(texts, arguments);
    const auto apply = [&](auto&... each) -> decltype(auto) { return function(hand_over<A>(each)...); };
    json value;
    if constexpr (std::is_void_v<R>)
        std::apply(apply, arguments);
    else
        value = write<std::decay_t<R>>(std::apply(apply, arguments));
    check(value);
    const std::vector<std::string> after = std::apply(texts, arguments);
    json changed = json::object();
    for (std::size_t n = 0; n < after.size(); ++n)
        if (after[n] != before[n]) changed[asked["names"][n].get<std::string>()] = json::parse(after[n]);
    try {
        leave({{"id", id}, {"value", value}, {"arguments", changed}});
    } catch (const json::exception& error) {
        fail(id, "protocol", std::string("the result cannot be JSON: ") + error.what());
    }
}

inline std::string name_of(const std::exception& error) {
    int status = 0;
    char* name = abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, &status);
    return status == 0 ? name : typeid(error).name();
}

template <class F>
int run(F function) {
    const json asked = request();
    const json& id = asked["id"];
    try {
        call(function, asked);
    } catch (const not_plain& error) {
        fail(id, "protocol", error.what());
    } catch (const std::bad_alloc&) {
        fail(id, "memory", "the body needs more memory than its limit");
    } catch (const std::exception& error) {
        fail(id, "runtime", name_of(error) + ": " + error.what());
    } catch (...) {
        fail(id, "runtime", "something that is no exception was thrown");
    }
    return 1;
}

}  // namespace htn_driver
