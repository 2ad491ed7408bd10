// Functions of Rust, and one with C's convention, whose arguments rust_test.py knows.
use std::hint::black_box;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

#[derive(Clone, Copy)]
pub enum Color {
    Red = 1,
    Green = 5,
}

pub struct Large {
    pub a: [i64; 5],
}

#[inline(never)]
pub fn add(a: i32, b: i64, c: u8) -> i64 {
    black_box(a as i64 + b + c as i64)
}

#[inline(never)]
pub fn scale(x: f64, by: f32) -> f64 {
    black_box(x * by as f64)
}

#[inline(never)]
pub fn text(s: &str, n: usize) -> usize {
    black_box(s.len() + n)
}

#[inline(never)]
pub fn at(p: Point, c: Color, yes: bool) -> i32 {
    black_box(p.x + p.y + c as i32 + yes as i32)
}

#[inline(never)]
pub fn large(l: Large, k: i32) -> i64 {
    black_box(l.a[0] + l.a[4] + k as i64)
}

#[inline(never)]
pub fn both(a: i64, b: i64) -> (i64, i64, i64) {
    black_box((a, b, a + b))
}

#[no_mangle]
#[inline(never)]
pub extern "C" fn as_in_c(a: i32, p: Point, d: f64) -> i32 {
    black_box(a + p.x + p.y + d as i32)
}

fn main() {
    let mut sum = 0i64;
    for i in 0..2 {
        let color = if i == 0 { Color::Red } else { Color::Green };
        sum += add(-5 - i, 1 << 40, 250);
        sum += scale(1.5, 2.0) as i64;
        sum += text("hello", 3) as i64;
        sum += at(Point { x: 7, y: -8 }, color, true) as i64;
        sum += large(Large { a: [1, 2, 3, 4, 5] }, 9);
        sum += both(20, 22).2;
        sum += as_in_c(1, Point { x: 2, y: 3 }, 4.5) as i64;
    }
    println!("{}", sum);
}
