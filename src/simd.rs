//! Which vector instructions this processor has, found at run time, once; and functions compiled for each set of them.

#[cfg(target_arch = "x86_64")]
mod tokens;

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
pub use tokens::{Avx2, Avx512};

/// A set of vector instructions that this processor has, each with the proof that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// What every processor of its kind has.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Path {
    /// Every path this processor can take, the plainest first.
    pub fn available() -> Vec<Path> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut paths = vec![Path::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            paths.extend(Avx2::found().map(Path::Avx2));
            paths.extend(Avx512::found().map(Path::Avx512));
        }
        paths
    }

    /// The path in use: the fastest, or the one that the environment's `SSLRUN_KERNELS` names if it is available.
    pub fn current() -> Path {
        static CURRENT: OnceLock<Path> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let fastest = *Path::available().last().expect("the portable path is always available");
            Path::wanted().ok().flatten().unwrap_or(fastest)
        })
    }

    /// The path that the environment's `SSLRUN_KERNELS` names, if it is set; an error where this processor does not have it.
    pub fn wanted() -> Result<Option<Path>, String> {
        let Some(wanted) = std::env::var_os("SSLRUN_KERNELS").filter(|name| !name.is_empty()) else { return Ok(None) };
        let paths = Path::available();
        let names: Vec<&str> = paths.iter().map(|path| path.name()).collect();
        match paths.iter().find(|path| wanted == path.name()) {
            Some(path) => Ok(Some(*path)),
            None => Err(format!("SSLRUN_KERNELS is {}; this processor has {}", wanted.display(), names.join(", "))),
        }
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Path::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Path::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Path::Avx512(_) => "avx512",
        }
    }
}

/// Compiles one plain function once for every instruction set and puts a choosing function, with the path as a first argument,
/// in front. In the body, `FMA` says whether a fused multiply-add is one instruction.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<const FMA: bool $(, $g:ident: $bound:path)*>
     ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name<$($g: $bound),*>(path: $crate::simd::Path, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(unused, reason = "bodies without a multiply-add have no use for FMA")]
            fn body<const FMA: bool, $($g: $bound),*>($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn avx512<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
                body::<true, $($g),*>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
                body::<true, $($g),*>($($arg),*)
            }
            match path {
                // SAFETY: the proof exists only where the processor has these features.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Path::Avx512(_) => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Path::Avx2(_) => unsafe { avx2($($arg),*) },
                $crate::simd::Path::Portable => {
                    body::<{ cfg!(target_arch = "aarch64") }, $($g),*>($($arg),*)
                }
            }
        }
    };
}
pub(crate) use multiversion;
